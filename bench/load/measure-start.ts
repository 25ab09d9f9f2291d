// From the start of a process to its first answer: the server's, beside a bare script's with the same backbone.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encodeTexts, packedFeeds, packTexts } from "#model/encoder";
import { GraphBuilder, serializeGraph } from "#model/graph";
import type { OpenedBackbone } from "../open-backbone.ts";
import { type Summary, summarize } from "../statistics.ts";
import { createHttpClient } from "./http-client.ts";
import { startServerProcess } from "./server-process.ts";
import type { Tenant } from "./tenants.ts";

const BARE = fileURLToPath(new URL("./bare-start.mjs", import.meta.url));
const ROUNDS = 5;

export interface StartRequest {
  readonly backbone: OpenedBackbone;
  readonly storeUrl: string;
  readonly tenant: Tenant;
  readonly text: string;
  /** For the bare script's files. */
  readonly folder: string;
  readonly threads: number;
  /** The program that was built, which is started. */
  readonly main: string;
}

export interface StartResults {
  readonly serverMs: Summary;
  /** Until the server listens; the rest is the first request. */
  readonly listeningMs: Summary;
  /** Of these, until the program was loaded, and until its session was; what the first request took then: medians. */
  readonly split: { readonly programMs: number; readonly sessionMs: number; readonly requestMs: number };
  readonly bareMs: Summary;
}

/** In turns, each after a start that is not counted: by then files are in memory, and Node has kept what it compiled. */
export async function measureStart(request: StartRequest): Promise<StartResults> {
  const files = await writeBareFiles(request);
  await startServer(request);
  await startBare(files);
  const times = { server: [] as number[], listening: [] as number[], bare: [] as number[] };
  const split = { program: [] as number[], session: [] as number[], request: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const { listeningMs, answeredMs, startMs } = await startServer(request);
    split.program.push(startMs.program);
    split.session.push(startMs.session);
    times.listening.push(listeningMs);
    times.server.push(answeredMs);
    split.request.push(answeredMs - listeningMs);
    times.bare.push(await startBare(files));
  }
  return {
    serverMs: summarize(times.server),
    listeningMs: summarize(times.listening),
    split: {
      programMs: summarize(split.program).median,
      sessionMs: summarize(split.session).median,
      requestMs: summarize(split.request).median,
    },
    bareMs: summarize(times.bare),
  };
}

async function startServer({ storeUrl, backbone, tenant, text, folder, threads, main }: StartRequest) {
  const startedMs = performance.now();
  const server = await startServerProcess({
    ...{ storeUrl, backboneFolder: backbone.folder, threads, main },
    args: ["--adapter-folder", join(folder, "adapters"), "--no-prefetch"],
  });
  const listeningMs = performance.now() - startedMs;
  const client = createHttpClient(server.url, 1);
  try {
    await client.classify(tenant, text);
    return { listeningMs, answeredMs: performance.now() - startedMs, startMs: server.startMs };
  } finally {
    client.close();
    await server.close();
  }
}

async function startBare(files: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  await promisify(execFile)(process.execPath, [BARE, ...files]);
  return performance.now() - startedMs;
}

/** The graph, and what it is fed for the text. */
async function writeBareFiles({ backbone: { backbone }, text, folder }: StartRequest): Promise<string[]> {
  const builder = new GraphBuilder();
  builder.output("features", encodeTexts(builder, backbone));
  const model = join(folder, "bare.onnx");
  await writeFile(model, serializeGraph(builder.build()));
  const batch = packTexts([backbone.tokenizer.encode(text)], backbone.config);
  const feeds = Object.entries(packedFeeds(batch, backbone.config)).map(([name, { data, shape }]) => {
    const type = data instanceof Int32Array ? "int32" : "float32";
    return [name, { type, data: [...data], shape }];
  });
  const feedsFile = join(folder, "feeds.json");
  await writeFile(feedsFile, JSON.stringify(Object.fromEntries(feeds)));
  return [model, feedsFile];
}
