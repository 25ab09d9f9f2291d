// Odd weight files, each of which some reader of safetensors takes: no version is made of one, and one that
// got into a store another way is never loaded. Files are made here from a good one, byte by byte.
import { beforeAll, describe, expect, it } from "vitest";
import { parsePublishedAdapter, serializeAdapter, shapeOfInsertion } from "#model";
import {
  createRegistry,
  openObjectStore,
  type PublishRequest,
  parseAdapterName,
  parseTenantId,
} from "#registry";
import { listAll } from "../registry/list-all.ts";
import { makeRandomAdapter } from "./helpers/random-adapter.ts";

const BACKBONE = { id: "tiny/one", digest: `sha256:${"a".repeat(64)}`, width: 4 };
const ADAPTER = makeRandomAdapter({
  width: 4,
  seed: 1,
  classes: 2,
  generators: [],
  scaleShift: [1],
  lowRank: [{ layer: 1, rank: 2 }],
});
const GOOD = serializeAdapter(ADAPTER, BACKBONE);
const BIAS = "base_model.model.classifier.bias";
const WEIGHT = "base_model.model.classifier.weight";

interface Entry {
  dtype: unknown;
  shape: unknown;
  data_offsets: unknown;
}

const { header: HEADER, data: DATA } = split(GOOD.weights);

function split(file: Uint8Array): { header: string; data: Uint8Array } {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  return { header: new TextDecoder().decode(file.subarray(8, 8 + length)), data: file.subarray(8 + length) };
}

function file(header: string | Uint8Array, data: Uint8Array = DATA, length?: bigint): Uint8Array {
  const head = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, length ?? BigInt(head.length), true);
  return Uint8Array.from(Buffer.concat([size, head, data]));
}

/** The good file with its header's entries changed. */
function edited(change: (entries: Record<string, Entry>) => void, data?: Uint8Array): Uint8Array {
  const entries: Record<string, Entry> = JSON.parse(HEADER);
  change(entries);
  return file(JSON.stringify(entries), data);
}

function withBias(change: Partial<Entry>, data?: Uint8Array): Uint8Array {
  return edited((entries) => Object.assign(entries[BIAS] ?? {}, change), data);
}

/** One more tensor, without data, under a name as JSON writes it. */
function withName(json: string): Uint8Array {
  const empty = `{"dtype":"F16","shape":[0],"data_offsets":[${DATA.length},${DATA.length}]}`;
  return file(`${HEADER.trimEnd().slice(0, -1)},"${json}":${empty}}`);
}

function withHalf(bits: number): Uint8Array {
  const data = DATA.slice();
  data.set([bits & 255, bits >> 8]);
  return file(HEADER, data);
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const more = (bytes: number) => Uint8Array.from([...DATA, ...new Uint8Array(bytes)]);
const biasEntry = JSON.stringify(JSON.parse(HEADER)[BIAS]);

const ODD_FILES: readonly [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(), /ends after 0 bytes/],
  ["a file of 7 bytes", new Uint8Array(7), /ends after 7 bytes/],
  ["a length of 0", file(HEADER, DATA, 0n), /expected an object/],
  ["a length beyond the end", file(HEADER, DATA, 1_000_000n), /beyond the end/],
  ["a length that wraps", file(HEADER, DATA, 2n ** 64n - 1n), /more than the 4194304 allowed/],
  ["a header of 100 MB by its length", file(HEADER, DATA, 100_000_000n), /more than the 4194304 allowed/],
  ["a header above the cap, of spaces", file(HEADER.padEnd(4_194_305)), /more than the 4194304 allowed/],
  ["a leading space", file(` ${HEADER}`), /does not begin with '\{'/],
  ["a byte order mark", file(`\ufeff${HEADER}`), /does not begin with '\{'/],
  ["an array for a header", file("[]        "), /does not begin with '\{'/],
  ["invalid UTF-8", file(Uint8Array.of(...utf8('{"a'), 0xff, ...utf8('":1}'))), /not UTF-8/],
  ["a header cut in two", file(HEADER.slice(0, 60)), /Invalid safetensors header/],
  ["text after the header", file(`${HEADER}{}`), /something follows/],
  ["NULs after the header", file(`${HEADER}\0\0`), /something follows/],
  ["deep nesting", file(`{"a":${"[".repeat(100_000)}`), /nested deeper/],
  ["a tensor named twice", file(`{"${BIAS}":${biasEntry},${HEADER.slice(1)}`), /occurs twice/],
  [
    "a tensor named twice, once escaped",
    file(`{"\\u0062${BIAS.slice(1)}":${biasEntry},${HEADER.slice(1)}`),
    /occurs twice/,
  ],
  ["a path for a name", withName("../../etc/passwd"), /the name may hold/],
  ["an absolute path for a name", withName("/etc/passwd"), /the name may hold/],
  ["NUL in a name", withName("a\\u0000b"), /the name may hold/],
  ["__proto__ for a name", withName("__proto__"), /the name may hold/],
  ["constructor for a name", withName("constructor"), /constructor is not one/],
  ["an empty name", withName(""), /the name may hold/],
  ["an unknown field", withBias({ extra: 1 } as Partial<Entry>), /unknown field "extra"/],
  ["the dtype PICKLE", withBias({ dtype: "PICKLE" }), /dtype must be one of/],
  ["whole numbers for weights", withBias({ dtype: "I16" }), /is I16; F16 or F32 is needed/],
  ["bfloat16, which no adapter is written in", withBias({ dtype: "BF16" }), /is BF16; F16 or F32/],
  ["float64, which no adapter is written in", withBias({ dtype: "F64", shape: [0] }), /takes 0 bytes/],
  ["a negative dimension", withBias({ shape: [-2] }), /whole number/],
  ["a fraction for a dimension", withBias({ shape: [2.5] }), /whole number/],
  ["a shape whose product wraps to 0", withBias({ shape: [4294967296, 4294967296] }), /too large/],
  [
    "a shape of as many numbers",
    withBias({ shape: [1, 2] }),
    /is \[1,2\]; adapter_config.json asks for \[2\]/,
  ],
  ["a shape that its offsets do not hold", withBias({ shape: [3] }), /takes 6 bytes, its offsets hold 4/],
  ["fractions for offsets", withBias({ data_offsets: [0.5, 4.5] }), /whole number/],
  ["offsets that run backwards", withBias({ data_offsets: [4, 0] }), /run backwards/],
  ["tensors that overlap", withOverlap(), /overlaps/],
  [
    "a hole before the data",
    withBias({ data_offsets: [DATA.length, DATA.length + 4] }, more(4)),
    /a hole of 4/,
  ],
  ["bytes after the last tensor", file(HEADER, more(1)), /1 bytes follow the last tensor/],
  ["data that is cut", file(HEADER, DATA.subarray(0, -2)), /the file holds/],
  ["NaN", withHalf(0x7e00), /holds NaN or infinite values/],
  ["infinity", withHalf(0x7c00), /holds NaN or infinite values/],
  ["a tensor that is missing", withoutLast(), /is missing/],
  ["a tensor too many", withName("extra.weight"), /extra.weight is not one that/],
  ["metadata that is no text", file(HEADER.replace('{"format":"pt"}', '{"format":1}')), /is not a string/],
  ["60,000 tensors", file(manyTensors(60_000)), /more than 10001 members/],
  ["a file above the limit", new Uint8Array(32 * 1024 * 1024 + 1), /at most 33554432 are allowed/],
  ["a pickle", Uint8Array.of(0x80, 4, 0x95, ...new Uint8Array(60)), /is a Python pickle, which can run code/],
  ["a pickle of protocol 0", utf8("cos\nsystem\n(S'id'\ntR."), /is a Python pickle, which can run code/],
  ["what torch.save writes", Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(60)), /is a zip archive/],
];

/** The head's weights begin within its biases. */
function withOverlap(): Uint8Array {
  return edited((entries) => Object.assign(entries[WEIGHT] ?? {}, { data_offsets: [2, 18] }));
}

function withoutLast(): Uint8Array {
  const entries: Record<string, { data_offsets?: number[] }> = JSON.parse(HEADER);
  const [name = "", entry] =
    Object.entries(entries).find(([, { data_offsets }]) => data_offsets?.[1] === DATA.length) ?? [];
  delete entries[name];
  return file(JSON.stringify(entries), DATA.subarray(0, entry?.data_offsets?.[0]));
}

function manyTensors(count: number): string {
  const empty = '{"dtype":"F16","shape":[0],"data_offsets":[0,0]}';
  return `{${Array.from({ length: count }, (_, index) => `"t${index}":${empty}`).join(",")}}`;
}

const TENANT = parseTenantId("alpha");

function request(files: PublishRequest["files"]): PublishRequest {
  return {
    name: parseAdapterName("router"),
    files,
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: BACKBONE,
      labels: [...ADAPTER.labels],
      insertions: ADAPTER.insertions.map(shapeOfInsertion),
      temperature: ADAPTER.temperature,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: {},
    },
  };
}

describe("of weights that are", () => {
  let store: Awaited<ReturnType<typeof openObjectStore>>;
  beforeAll(async () => {
    store = await openObjectStore("memory:");
  });

  it.each(ODD_FILES)("%s no version is made, and none is loaded", async (_, weights, problem) => {
    const files = { config: GOOD.config, weights };
    const refused = { code: "invalid_adapter", publicMessage: expect.stringMatching(problem) };
    const registry = createRegistry({ store, checkAdapter: parsePublishedAdapter });
    await expect(registry.publish(TENANT, request(files))).rejects.toMatchObject(refused);
    expect((await listAll(store, { prefix: "tenants/" })).keys).toEqual([]);
    expect(() => parsePublishedAdapter(files, request(files).manifest)).toThrow(
      expect.objectContaining(refused),
    );
  });
});

it("the good file that they were made from is published and read back", async () => {
  expect(file(HEADER)).toEqual(Uint8Array.from(GOOD.weights));
  expect(JSON.parse(HEADER)).toHaveProperty([WEIGHT]);
  const store = await openObjectStore("memory:");
  const registry = createRegistry({ store, checkAdapter: parsePublishedAdapter });
  const { manifest } = await registry.publish(TENANT, request(GOOD));
  const adapter = parsePublishedAdapter(await registry.readFiles(TENANT, manifest), manifest);
  expect(adapter.labels).toEqual(ADAPTER.labels);
});

describe("a manifest that says other than adapter_config.json is refused, in", () => {
  const good = request(GOOD).manifest;
  it.each<[string, Partial<PublishRequest["manifest"]>]>([
    ["labels", { labels: ["label 1", "label 0"] }],
    ["backbone", { backbone: { ...BACKBONE, digest: `sha256:${"b".repeat(64)}` } }],
    ["backbone", { backbone: { ...BACKBONE, width: 8 } }],
    ["insertions", { insertions: [] }],
    ["temperature", { temperature: 2 }],
    ["outOfScope", { outOfScope: { score: "max_logit", below: 1 } }],
  ])("%s", (field, change) => {
    expect(() => parsePublishedAdapter(GOOD, { ...good, ...change })).toThrow(`differ in ${field}`);
  });
});
