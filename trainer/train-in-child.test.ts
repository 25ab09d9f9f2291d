import type { ChildProcess } from "node:child_process";
import { cp, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Adapter,
  featureWidth,
  ModelError,
  parseAdapter,
  parseBackbone,
  serializeAdapter,
  shapeOfInsertion,
} from "#model";
import { makeRandomAdapter } from "../test/helpers/random-adapter.ts";
import { makeTickets } from "../test/helpers/tickets.ts";
import { makeTinyBackbone, writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import type { DatasetContent } from "./dataset/content.ts";
import { parseDataset } from "./dataset/parse.ts";
import { TrainerError } from "./errors.ts";
import { evaluateAdapters } from "./evaluate-adapters.ts";
import type { TrainingProgress } from "./report.ts";
import { train } from "./train.ts";
import { type ChildTrainRequest, trainInChild } from "./train-in-child.ts";

/** Every child that was started, the latest last; they are real. */
const children: ChildProcess[] = [];
vi.mock("node:child_process", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:child_process")>();
  return {
    ...original,
    fork: (...given: Parameters<typeof original.fork>) => {
      const child = original.fork(...given);
      children.push(child);
      return child;
    },
  };
});

const TINY = { layers: 2 };
const tickets = makeTickets({ seed: 1, rowsPerLabel: 8 });
let folder: string;
let request: ChildTrainRequest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-child-"));
  await writeTinyBackbone(join(folder, "tiny"), TINY);
  request = {
    backboneFolder: join(folder, "tiny"),
    backboneId: "tiny",
    dataset: { content: Buffer.from(tickets.csv), fileName: "tickets.csv", mediaType: "text/csv" },
    options: { seed: 3, method: "spt" },
  };
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  children.length = 0;
});

const withCsv = (csv: string) => ({ ...request.dataset, content: Buffer.from(csv) });

/** How the only child ended; waits for it. */
async function endOfChild(): Promise<{ code: number | null; signal: string | null }> {
  const [child] = children;
  if (!child || children.length > 1) return expect.unreachable();
  await vi.waitFor(() => expect(child.exitCode ?? child.signalCode).not.toBeNull());
  return { code: child.exitCode, signal: child.signalCode };
}

describe("a training in a child process", () => {
  test("gives the adapter bytes of the same training in this process, and says of them what is in them", async () => {
    const progress: TrainingProgress[] = [];
    const result = await trainInChild({ ...request, onProgress: (step) => progress.push(step) });
    const backbone = parseBackbone("tiny", makeTinyBackbone(TINY));
    const dataset = await parseDataset(request.dataset.content, request.dataset);
    const here = await train({ backbone, dataset, options: request.options });
    const expected = serializeAdapter(here.adapter, backbone);
    expect(Buffer.from(result.files.weights).equals(expected.weights)).toBe(true);
    expect(Buffer.from(result.files.config).equals(expected.config)).toBe(true);
    const { insertions, labels, temperature, outOfScope, width } = parseAdapter(result.files);
    expect(result).toMatchObject({
      ...{ labels, width, temperature, outOfScope, backbone: { id: "tiny", digest: backbone.digest } },
    });
    expect(result.insertions).toEqual(insertions.map(shapeOfInsertion));
    expect(result.report).toMatchObject({ seed: 3, examples: tickets.rows.length, gates: here.report.gates });
    expect(progress[0]).toMatchObject({ phase: "embed", progress: 0 });
    expect(progress.at(-1)).toMatchObject({ phase: "head", progress: 1 });
  });

  test("reads open files, which are the child's under other numbers, as it reads bytes", async () => {
    const held = makeTickets({ seed: 2, rowsPerLabel: 4 });
    const paths = [join(folder, "data.csv"), join(folder, "held.csv")] as const;
    await writeFile(paths[0], tickets.csv);
    await writeFile(paths[1], held.csv);
    const [data, other] = [await open(paths[0]), await open(paths[1])];
    try {
      const named = { fileName: "held.csv", mediaType: "text/csv" } as const;
      const trainOn = (own: DatasetContent, others: DatasetContent) =>
        trainInChild({
          ...{ ...request, options: { ...request.options, epochs: 1 } },
          dataset: { ...request.dataset, content: own },
          validation: { ...named, content: others },
          testSet: { file: { ...named, content: others } },
        });
      const ofFiles = await trainOn(data, other);
      const ofBytes = await trainOn(Buffer.from(tickets.csv), Buffer.from(held.csv));
      expect(ofFiles.files).toEqual(ofBytes.files);
      expect(ofFiles.testFigures).toEqual(ofBytes.testFigures);
    } finally {
      await Promise.all([data.close(), other.close()]);
    }
  });

  test("ends with the call: no child stays behind", async () => {
    await trainInChild(request);
    expect(await endOfChild()).not.toEqual({ code: null, signal: null });
  });
});

describe("a training with a test set", () => {
  const held = makeTickets({ seed: 2, rowsPerLabel: 10 });
  const file = { content: Buffer.from(held.csv), fileName: "test.csv", mediaType: "text/csv" } as const;
  const backbone = parseBackbone("tiny", makeTinyBackbone(TINY));
  const { width } = backbone.config;
  const other = { ...makeRandomAdapter({ width, seed: 1, classes: 3, generators: [] }), labels: held.labels };
  const trainWith = (current: Adapter) =>
    trainInChild({
      ...{ ...request, options: { ...request.options, epochs: 1 } },
      testSet: { file, current: serializeAdapter(current, backbone) },
    });

  test("has figures on all of its rows, and the other adapter's beside them, as a classifier answers", async () => {
    const { files, testFigures } = await trainWith(other);
    const dataset = await parseDataset(file.content, { ...file, forTraining: false });
    const here = await evaluateAdapters(backbone, [files, serializeAdapter(other, backbone)], dataset);
    expect([testFigures?.own, testFigures?.current]).toEqual(here);
    const [own, current] = here;
    expect(own).toMatchObject({ rows: held.rows.length, precision: "int8" });
    expect(own?.accuracy).toBeGreaterThan(current?.accuracy ?? 1);
  });

  test("that an adapter cannot answer succeeds all the same, without that one's figures", async () => {
    const head = { ...other.head, weight_CD: new Float32Array(3 * featureWidth(width, "dual")) };
    const { testFigures } = await trainWith({ ...other, head, pairMode: "dual" });
    expect(Object.keys(testFigures ?? {})).toEqual(["own"]);
  });
});

describe("aborting", () => {
  test("kills the child amid its steps and rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("the server stops");
    const onProgress = ({ phase }: TrainingProgress) => {
      if (phase === "search") controller.abort(reason);
    };
    await expect(trainInChild({ ...request, onProgress, signal: controller.signal })).rejects.toBe(reason);
    expect(await endOfChild()).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("before the start rejects without starting a child", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(trainInChild({ ...request, signal })).rejects.toThrow("too late");
    expect(children).toEqual([]);
  });
});

describe("what goes wrong in the child reaches the caller:", () => {
  test("a row that is refused, as invalid_dataset with file and row", async () => {
    const error = await trainInChild({ ...request, dataset: withCsv(`${tickets.csv},billing\n`) }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(TrainerError);
    expect(error).toMatchObject({
      code: "invalid_dataset",
      at: { file: "tickets.csv", row: tickets.rows.length + 2 },
    });
    expect(error.publicMessage).toContain("tickets.csv");
    await endOfChild();
  });

  test("a folder without a backbone, as invalid_backbone that names the missing file", async () => {
    const missing = trainInChild({ ...request, backboneFolder: join(folder, "nowhere") });
    const error = await missing.catch((e) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: "invalid_backbone" });
    expect(error.publicMessage).toMatch(/config\.json|model\.safetensors|tokenizer\.json/);
    // The path is the server's own business.
    expect(error.publicMessage).not.toContain(folder);
  });

  test.each(["config.json", "model.safetensors", "tokenizer.json"])(
    "a broken %s, as a ModelError",
    async (name) => {
      const broken = join(folder, `broken ${name}`);
      await cp(request.backboneFolder, broken, { recursive: true });
      await writeFile(join(broken, name), "{ not what it should be");
      const error = await trainInChild({ ...request, backboneFolder: broken }).catch((e) => e);
      expect(error).toBeInstanceOf(ModelError);
      expect(error.code).toMatch(/^(invalid_backbone|invalid_safetensors|unsupported_backbone)$/);
      expect(error.publicMessage.length).toBeGreaterThan(20);
    },
  );

  test.each([
    ["SIGTERM", "before it was done. Train again"],
    ["SIGKILL", "ran out of memory: give it more, or train on fewer rows"],
  ] as const)("its death by %s, as training_failed that says how it ended", async (signal, remedy) => {
    const onProgress = ({ phase }: TrainingProgress) => {
      if (phase === "search") children[0]?.kill(signal);
    };
    const error = await trainInChild({ ...request, onProgress }).catch((e) => e);
    expect(error).toBeInstanceOf(TrainerError);
    expect(error).toMatchObject({ code: "training_failed" });
    expect(error.publicMessage).toContain(signal);
    expect(error.publicMessage).toContain(remedy);
  });
});
