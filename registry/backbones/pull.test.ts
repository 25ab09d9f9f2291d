import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { makeTinyBackbone, writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { backboneCacheFolder } from "./cache-folder.ts";
import { createFolderSource } from "./folder-source.ts";
import { createHubSource } from "./hub-source.ts";
import { listBackbones, loadBackbone, type PullProgress, pullBackbone } from "./index.ts";
import { pullFromSources } from "./pull.ts";
import { measureFiles } from "./record.ts";
import type { BackboneSource } from "./source.ts";

const tiny = makeTinyBackbone();
const FILES: Record<string, Uint8Array> = {
  "config.json": tiny.config,
  "model.safetensors": tiny.weights,
  "tokenizer.json": tiny.tokenizer,
};
const COMMIT = "c".repeat(40);

let cache: string;
let folder: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "softgate-pull-"));
  folder = join(cache, "tiny");
  await writeTinyBackbone(folder);
  vi.stubEnv("SOFTGATE_CACHE", cache);
  vi.stubEnv("HF_TOKEN", "hf_secret");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, content: Uint8Array) => void;

/** A Hub on this machine; answer decides what becomes of a request for a file that exists. */
async function startHub(answer: Answer = answerRange): Promise<{ endpoint: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? "whole"}`);
    const content = FILES[String(request.url).split("/").at(-1) ?? ""];
    response.setHeader("X-Repo-Commit", COMMIT);
    if (content) answer(request, response, content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("HF_ENDPOINT", endpoint);
  return { endpoint, requests };
}

function answerRange(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
  const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (begin >= content.length) return void response.writeHead(416).end();
  const rest = content.subarray(begin);
  const range = `bytes ${begin}-${content.length - 1}/${content.length}`;
  response.writeHead(begin > 0 ? 206 : 200, {
    "Content-Length": rest.length,
    ...(begin > 0 && { "Content-Range": range }),
  });
  response.end(rest);
}

const brokenSource: BackboneSource = {
  name: "broken source",
  fetch: () => Promise.reject(new Error("it does not answer")),
};

async function pinnedPlan(...sources: BackboneSource[]) {
  return { id: "tiny/one", pins: await measureFiles(folder), sources };
}

describe("pullBackbone from the Hub", () => {
  it("puts a verified, loadable folder into the cache and records where it came from", async () => {
    const { requests, endpoint } = await startHub();
    const progress: PullProgress[] = [];
    const entry = await pullBackbone("tiny/one", { onProgress: (step) => progress.push(step) });
    expect(entry).toMatchObject({ id: "tiny/one", folder: join(backboneCacheFolder(), "tiny--one") });
    expect((await readdir(entry.folder)).sort()).toEqual([...Object.keys(FILES), "backbone.json"].sort());
    expect(await readdir(backboneCacheFolder())).toEqual(["tiny--one"]);
    expect(await listBackbones()).toEqual([{ ...entry, source: `${endpoint}/tiny/one at ${COMMIT}` }]);
    const backbone = await loadBackbone(entry);
    expect(backbone).toMatchObject({ id: "tiny/one", digest: entry.digest });
    expect(progress.at(-1)).toMatchObject({ file: "model.safetensors", bytes: tiny.weights.length });
    // The commit of the first answer holds for the files after it.
    expect(requests).toEqual([
      "/tiny/one/resolve/main/config.json whole",
      `/tiny/one/resolve/${COMMIT}/tokenizer.json whole`,
      `/tiny/one/resolve/${COMMIT}/model.safetensors whole`,
    ]);
  });

  it("asks nothing again when all is there, and pulls anew what was damaged", async () => {
    const { requests } = await startHub();
    const entry = await pullBackbone("tiny/one@v1");
    expect(entry.id).toBe("tiny/one@v1");
    expect(await pullBackbone("tiny/one@v1")).toEqual(entry);
    expect(requests).toHaveLength(3);
    await writeFile(join(entry.folder, "tokenizer.json"), "{}");
    await expect(loadBackbone(entry)).rejects.toMatchObject({
      code: "backbone_corrupt",
      publicMessage: expect.stringContaining("softgate backbone pull tiny/one@v1"),
    });
    await pullBackbone("tiny/one@v1");
    expect((await loadBackbone(entry)).digest).toBe(entry.digest);
  });

  it("sends HF_TOKEN", async () => {
    const tokens = new Set<string | undefined>();
    await startHub((request, response, content) => {
      tokens.add(request.headers.authorization);
      answerRange(request, response, content);
    });
    await pullBackbone("tiny/one");
    expect([...tokens]).toEqual(["Bearer hf_secret"]);
  });

  it("goes on where a download was cut, within a pull", async () => {
    const cut = Promise.withResolvers<void>();
    const { requests } = await startHub((request, response, content) => {
      if (content !== tiny.weights || request.headers.range) return answerRange(request, response, content);
      response.writeHead(200, { "Content-Length": content.length }).write(content.subarray(0, 50_000));
      void cut.promise.then(() => response.destroy());
    });
    const onProgress = ({ bytes }: PullProgress) => {
      if (bytes === 50_000) cut.resolve();
    };
    await pullBackbone("tiny/one", { onProgress });
    expect(requests.at(-1)).toMatch(/model\.safetensors bytes=50000-$/);
  });

  it("goes on where an earlier pull was ended", async () => {
    const abort = new AbortController();
    let ended = false;
    const { endpoint, requests } = await startHub((request, response, content) => {
      if (content !== tiny.weights || ended) answerRange(request, response, content);
      else response.writeHead(200, { "Content-Length": content.length }).write(content.subarray(0, 70_000));
    });
    const plan = await pinnedPlan(createHubSource({ id: "tiny/one", revision: "main", endpoint }));
    const onProgress = ({ file, bytes }: PullProgress) => {
      if (file === "model.safetensors" && bytes >= 70_000) abort.abort(new Error("enough"));
    };
    await expect(pullFromSources(plan, { onProgress, signal: abort.signal })).rejects.toThrow("enough");
    expect(await readdir(backboneCacheFolder())).toEqual(["tiny--one.partial"]);
    ended = true;
    const entry = await pullFromSources(plan);
    expect(requests.slice(3)).toEqual(["/tiny/one/resolve/main/model.safetensors bytes=70000-"]);
    expect(await readFile(join(entry.folder, "model.safetensors"))).toEqual(Buffer.from(tiny.weights));
  });

  it("gives up after cuts that bring nothing", async () => {
    const { requests } = await startHub((_, response) => {
      response.writeHead(200, { "Content-Length": 100 }).flushHeaders();
      setImmediate(() => response.destroy());
    });
    await expect(pullBackbone("tiny/one")).rejects.toMatchObject({ code: "download_failed" });
    expect(requests).toHaveLength(3);
  });

  it("refuses an encoder that is not supported before its weights are asked for", async () => {
    const { requests } = await startHub((_, response) => void response.end('{"model_type":"distilbert"}'));
    await expect(pullBackbone("tiny/one")).rejects.toMatchObject({ code: "unsupported_backbone" });
    expect(requests).toHaveLength(1);
    expect(await readdir(backboneCacheFolder())).toEqual([]);
  });
});

describe("a pull of pinned files", () => {
  it("refuses other bytes, leaves nothing, and says each source's reason and the remedy", async () => {
    const { endpoint } = await startHub((_, response, content) => void response.end(content.toReversed()));
    const hub = createHubSource({ id: "tiny/one", revision: "main", endpoint });
    const failure = await pullFromSources(await pinnedPlan(hub, brokenSource)).catch((error) => error);
    expect(failure).toMatchObject({ code: "download_failed" });
    expect(failure.publicMessage).toMatch(/Hub \(http:.*config\.json has sha256 [0-9a-f]{64}, expected/);
    expect(failure.publicMessage).toContain("broken source: it does not answer");
    expect(failure.publicMessage).toMatch(/HF_ENDPOINT.*softgate backbone pull PATH/s);
    expect(await readdir(backboneCacheFolder())).toEqual([]);
  });

  it("takes the second source when the first fails", async () => {
    const plan = await pinnedPlan(brokenSource, createFolderSource(folder));
    const entry = await pullFromSources(plan);
    expect(await listBackbones()).toEqual([{ ...entry, source: `folder ${folder}` }]);
  });

  it("waits for the first answer of a source longer where no other follows", async () => {
    const waits: (number | undefined)[] = [];
    const slow: BackboneSource = {
      name: "slow source",
      fetch: ({ answerMsMax }) => {
        waits.push(answerMsMax);
        return Promise.reject(new Error("it does not answer"));
      },
    };
    await expect(pullFromSources(await pinnedPlan(slow, slow))).rejects.toThrow("does not answer");
    expect(waits).toEqual([6_000, undefined]);

    await startHub((...given) => void setTimeout(() => answerRange(...given), 300));
    const { fetch } = createHubSource({ id: "tiny/one", revision: COMMIT });
    const staging = await mkdtemp(join(cache, "staging-"));
    await expect(fetch({ staging, answerMsMax: 100 })).rejects.toThrow("no answer within 0.1 s");
    expect(await fetch({ staging })).toContain(COMMIT);
  });

  it("leaves nothing behind of what sources had begun", async () => {
    const begun: BackboneSource = {
      name: "begun source",
      fetch: async ({ staging }) => {
        await mkdir(join(staging, "wheels"));
        await writeFile(join(staging, "model.safetensors.partial"), "begun");
        throw new Error("the connection ended");
      },
    };
    const entry = await pullFromSources(await pinnedPlan(begun, createFolderSource(folder)));
    expect((await readdir(entry.folder)).sort()).toEqual([...Object.keys(FILES), "backbone.json"].sort());
  });

  it("names the address that did not answer", async () => {
    const hub = createHubSource({ id: "tiny/one", revision: "main", endpoint: "http://127.0.0.1:9" });
    await expect(pullFromSources(await pinnedPlan(hub))).rejects.toThrow(/127\.0\.0\.1:9\): .*\(.+\)/);
  });

  it("is done once when several ask at the same time", async () => {
    const { endpoint, requests } = await startHub();
    const plan = await pinnedPlan(createHubSource({ id: "tiny/one", revision: "main", endpoint }));
    const entries = await Promise.all([1, 2, 3].map(() => pullFromSources(plan)));
    expect(new Set(entries.map(({ digest }) => digest)).size).toBe(1);
    expect(requests).toHaveLength(3);
  });
});

describe("pullBackbone from a folder", () => {
  it("copies it under its own name; the same again is nothing new", async () => {
    const entry = await pullBackbone(folder);
    expect(entry.id).toBe("tiny");
    await rm(folder, { recursive: true });
    expect((await loadBackbone(entry)).digest).toBe(entry.digest);
  });

  it("replaces what the name stood for when the files are others", async () => {
    const before = await pullBackbone(folder);
    await writeTinyBackbone(folder, { seed: 2 });
    const after = await pullBackbone(folder);
    expect(after.digest).not.toBe(before.digest);
    expect(await listBackbones()).toHaveLength(1);
  });

  it("names the files that must be there", async () => {
    await rm(join(folder, "tokenizer.json"));
    await expect(pullBackbone(folder)).rejects.toThrow(
      /must hold config.json, model.safetensors and tokenizer/,
    );
  });
});

describe("loadBackbone", () => {
  it("takes a folder that was never pulled as it is", async () => {
    expect((await loadBackbone({ id: "mine", folder })).id).toBe("mine");
  });

  it("tells a backbone that is not there from one that is damaged", async () => {
    const absent = { id: "tiny/one", folder: join(cache, "absent") };
    await expect(loadBackbone(absent)).rejects.toMatchObject({ code: "backbone_not_found" });
    const entry = await pullBackbone(folder);
    await rm(join(entry.folder, "config.json"));
    await expect(loadBackbone(entry)).rejects.toMatchObject({ code: "backbone_corrupt" });
    await writeFile(join(entry.folder, "backbone.json"), "{}");
    await expect(loadBackbone(entry)).rejects.toMatchObject({ code: "backbone_corrupt" });
    expect(await listBackbones()).toEqual([]);
  });
});

it.each(["../outside", "a/b/c", "one", "", "a--b/c", "a/b@../c"])("refuses the id %j", async (id) => {
  await expect(pullBackbone(id)).rejects.toMatchObject({ code: "backbone_not_found" });
});
