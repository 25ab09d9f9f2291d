// docs/how-to/api.md, as it is read: its blocks of shell run, one after another, against a real server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createRegistry, openObjectStore, parseTenantId } from "#registry";
import { type NodeServer, startNodeServer } from "../functions/entry-node.ts";
import { makeTickets } from "./helpers/tickets.ts";
import { writeTinyBackbone } from "./helpers/tiny-backbone.ts";

const GUIDE_MS_MAX = 120_000;

let folder: string;
let server: NodeServer;
let key: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  vi.stubEnv("SOFTGATE_CACHE", join(folder, "cache"));
  const [storeUrl, backbone] = [`file:${join(folder, "store")}`, join(folder, "tiny")];
  await writeTinyBackbone(backbone);
  await writeFile(join(folder, "tickets.csv"), makeTickets({ seed: 1, rowsPerLabel: 8 }).csv);
  server = await startNodeServer({ storeUrl, backbone, port: 0, host: "127.0.0.1" });
  const store = await openObjectStore(storeUrl);
  key = (await createRegistry({ store }).createKey(parseTenantId("acme"), "guide")).secret;
  await store.close();
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

it(
  "every block of the guide to the API runs as it stands",
  async () => {
    const guide = await readFile(new URL("../docs/how-to/api.md", import.meta.url), "utf8");
    const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
    expect(blocks.length).toBeGreaterThan(4);
    for (const block of blocks) {
      const { code, output } = await runShell(block);
      expect(code, `${block}\n${output}`).toBe(0);
    }
  },
  GUIDE_MS_MAX,
);

async function runShell(block: string): Promise<{ code: unknown; output: string }> {
  const env = { ...process.env, URL: server.url, KEY: key };
  const child = spawn("bash", ["-euo", "pipefail", "-c", block], {
    env,
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, "exit");
  return { code, output };
}
