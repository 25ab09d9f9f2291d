import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { int8Digest, parseBackbone } from "#model";
import { type Classifier, createClassifier, GRAPH_FILE, writePrepared } from "#model/runtime";
import { beginSession } from "#model/runtime/begin";
import { type BackboneEntry, loadBackbone, pullBackbone } from "#registry/backbones";
import { makeRandomAdapter } from "../test/helpers/random-adapter.ts";
import { makeTinyBackbone, type TinyFamily, writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { openClassifier, prepareBackbone } from "./open-classifier.ts";

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "softgate-open-"));
  vi.stubEnv("SOFTGATE_CACHE", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

async function pull(family: TinyFamily, maskHead = false): Promise<BackboneEntry> {
  await writeTinyBackbone(join(cache, "tiny"), { family, maskHead });
  return pullBackbone(join(cache, "tiny"));
}

async function scoresOf(classifier: Classifier, entry: BackboneEntry): Promise<number[]> {
  const { config } = await loadBackbone(entry);
  const shape = { promptTokens: 2, bottleneck: 4, pooling: "mean" as const, layer: 1 };
  const made = makeRandomAdapter({
    ...{ width: config.width, seed: 3, classes: 3 },
    ...{ generators: [shape], scaleShift: [0, 1] },
  });
  const adapter = config.pooling === "mask" ? { ...made, template: "{text} it is {mask} ." } : made;
  const handle = { tenant: "one", digest: "adapter", load: async () => adapter };
  const answers = await classifier.classify(handle, ["good day", "a bad one"]);
  return answers.flatMap(({ scores_C }) => [...scores_C]);
}

async function open(entry: BackboneEntry, precision: "fp32" | "int8") {
  const events: unknown[] = [];
  const { classifier, int8Digest } = await openClassifier(entry, {
    ...{ precision, threads: 1 },
    log: ({ event }) => void events.push(event),
  });
  onTestFinished(() => classifier.close());
  return { events, scores: await scoresOf(classifier, entry), classifier, int8Digest };
}

it.each([
  ["bert", "fp32", false],
  ["bert", "int8", false],
  ["mpnet", "int8", false],
  ["bert", "int8", true],
] as const)(
  "a %s in %s (mask head: %s) answers the same from what was prepared",
  async (family, precision, maskHead) => {
    const entry = await pull(family, maskHead);
    const direct = await createClassifier(await loadBackbone(entry), { precision, threads: 1 });
    onTestFinished(() => direct.close());
    const expected = await scoresOf(direct, entry);
    const first = await open(entry, precision);
    expect(first.events).toEqual(["backbone_prepared"]);
    const second = await open(entry, precision);
    expect(second.events).toEqual([]);
    expect(second.classifier.backbone).toEqual(direct.backbone);
    const encoder = precision === "int8" ? int8Digest((await loadBackbone(entry)).weights) : undefined;
    expect([first.int8Digest, second.int8Digest]).toEqual([encoder, encoder]);
    for (const { scores } of [first, second]) {
      expect(scores).toHaveLength(expected.length);
      for (const [at, score] of scores.entries()) expect(score).toBeCloseTo(expected[at] ?? Number.NaN, 5);
    }
  },
);

it("a damaged file is told, and prepared again", async () => {
  const entry = await pull("bert");
  const folder = await prepareBackbone(entry, "int8");
  const weights = join(folder ?? "", "weights.bin");
  const bytes = await readFile(weights);
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
  await writeFile(weights, bytes);
  expect((await open(entry, "int8")).events).toEqual(["prepared_backbone_damaged", "backbone_prepared"]);
  expect((await open(entry, "int8")).events).toEqual([]);
});

it("what another version prepared is replaced, and is not what answers, though a session of it was begun", async () => {
  const entry = await pull("bert");
  const { scores: expected } = await open(entry, "int8");
  const folder = (await prepareBackbone(entry, "int8")) ?? expect.unreachable();
  const graphFile = join(folder, GRAPH_FILE);
  // The graph of another version: one that answers otherwise.
  const other = parseBackbone("other", makeTinyBackbone({ family: "bert", seed: 7 }));
  await writePrepared(other, { precision: "int8", folder });
  const recordFile = join(folder, "prepared.json");
  const record = JSON.parse(await readFile(recordFile, "utf8"));
  await writeFile(recordFile, JSON.stringify({ ...record, madeBy: { ...record.madeBy, version: "0" } }));
  beginSession({ graphFile }, { threads: 1 });
  const { events, scores } = await open(entry, "int8");
  expect(events).toEqual(["backbone_prepared"]);
  expect(scores).toEqual(expected);
});

it("a folder that was not pulled is served as it is", async () => {
  const folder = join(cache, "mine");
  await writeTinyBackbone(folder);
  const { classifier } = await openClassifier(
    { id: "mine", folder },
    { precision: "auto", threads: 1, log: () => undefined },
  );
  onTestFinished(() => classifier.close());
  expect(classifier.precision).toBe("int8");
});
