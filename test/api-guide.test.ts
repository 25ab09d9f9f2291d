// docs/how-to/api.md, as it is read: its blocks of shell run, one after another, against a real server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeTickets } from "./helpers/tickets.ts";
import { startTinyServer, type TinyServer } from "./helpers/tiny-server.ts";

const GUIDE_MS_MAX = 120_000;

let server: TinyServer;
beforeAll(async () => {
  server = await startTinyServer();
  await writeFile(join(server.folder, "tickets.csv"), makeTickets({ seed: 1, rowsPerLabel: 8 }).csv);
});
afterAll(() => server?.close());

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
  const env = { ...process.env, URL: server.url, KEY: server.key };
  const child = spawn("bash", ["-euo", "pipefail", "-c", block], {
    env,
    cwd: server.folder,
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
