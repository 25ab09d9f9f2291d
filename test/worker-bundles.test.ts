// What a deploy of each Worker would send, as wrangler makes it, without an account. Workers may be 64 MiB, and were to be
// 10 MB compressed under the rule before; theirs must start within a second, which is why the scripts are kept small. A fifth
// of them is the API's document, which grows with it.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, it, onTestFinished } from "vitest";
import { WITHOUT_CONTAINERS, writeLocalConfig } from "./helpers/local-worker.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

it.each([
  { config: "infra/edge/wrangler.jsonc", scriptBytesMax: 1_350_000, gzipBytesMax: 5_000_000 },
  { config: "infra/wrangler.jsonc", scriptBytesMax: 1_300_000, gzipBytesMax: 400_000 },
])(
  "$config stays within $scriptBytesMax bytes of script, $gzipBytesMax compressed in all",
  async (bundle) => {
    const folder = await mkdtemp(join(tmpdir(), "softgate-bundle-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const local = await writeLocalConfig(bundle.config, { overrides: WITHOUT_CONTAINERS });
    onTestFinished(() => local.remove());
    await dryRun(local.configPath, ["--outdir", folder]);
    const names = (await readdir(folder)).filter((name) => /\.(js|wasm)$/.test(name));
    const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
    const script = files[names.findIndex((name) => name.endsWith(".js"))];
    expect(script?.byteLength).toBeLessThan(bundle.scriptBytesMax);
    expect(files.reduce((sum, bytes) => sum + gzipSync(bytes).byteLength, 0)).toBeLessThan(
      bundle.gzipBytesMax,
    );
    // Reached through rooms' doors; must be left out with what is not used of them.
    for (const left of ["PutObjectCommand", "onnxruntime_binding.node", "worker_threads"]) {
      expect(script?.includes(left), left).toBe(false);
    }
  },
);

it("containers and all, the gateway's settings are taken", async () => {
  const { stdout } = await dryRun("infra/wrangler.jsonc", ["--containers-rollout=none"]);
  expect(stdout).toMatch(/softgateserver \(.*infra\/Dockerfile\)/);
});

function dryRun(config: string, args: readonly string[]) {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  return run(process.execPath, [wrangler, "deploy", "--dry-run", "--config", config, ...args], { cwd: root });
}
