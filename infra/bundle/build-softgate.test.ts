// The folder that `npm run build` makes; that a server runs from it is shown in test/built-program.test.ts.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Built, buildSoftgate } from "./build-softgate.ts";
import { bundleProgram } from "./bundle-program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let place: string;
let folder: string;
let built: Built;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "softgate-build-"));
  folder = join(place, "softgate");
  built = await buildSoftgate({ root, folder });
}, 60_000);
afterAll(() => rm(place, { recursive: true, force: true }));

it("each part that is loaded late is there, with all that it needs", async () => {
  expect(built.lateParts.length).toBeGreaterThan(10);
  const script = join(place, "load-all.mjs");
  const loads = built.lateParts.map((name) => `await import(${JSON.stringify(join(folder, name))});\n`);
  await writeFile(script, `${loads.join("")}console.log("all");\nprocess.exit(0);\n`);
  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: place });
  expect(stdout).toBe("all\n");
});

it("it replaces what was built before, and nothing else", async () => {
  const other = join(place, "other");
  await mkdir(other);
  // As the folder of the sources of the command has it.
  await writeFile(join(other, "softgate.mjs"), "mine");
  await expect(buildSoftgate({ root, folder: other })).rejects.toThrow("holds something else");
  expect(await readdir(other)).toEqual(["softgate.mjs"]);
  await writeFile(join(folder, "chunk-old.mjs"), "of an older one");
  await buildSoftgate({ root, folder });
  expect(existsSync(join(folder, "chunk-old.mjs"))).toBe(false);
  expect((await readdir(place)).filter((name) => name.includes("partial"))).toEqual([]);
}, 60_000);

it("a program that starts a file which would not be there is not bundled", async () => {
  const entries = { softgate: "cli/main.ts", "session-origin": "model/runtime/session-origin.ts" };
  const bundling = bundleProgram({ root, folder: join(place, "none"), entries });
  await expect(bundling).rejects.toThrow("names model/runtime/session-thread.ts, which is not in the bundle");
  expect(existsSync(join(place, "none"))).toBe(false);
});
