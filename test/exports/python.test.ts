// What Python makes of an export, on real weights: the very answers that the classifier gives. Opt-in, as it needs
// packages of Python: SOFTGATE_PYTHON is an interpreter that has test/exports/requirements.txt. That the ONNX file
// answers as the classifier does is tested without Python, and always, in model/export/onnx.test.ts.
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Adapter,
  type Backbone,
  featureWidth,
  parseAdapter,
  parseBackbone,
  serializeAdapter,
  type TextInput,
} from "#model";
import { exportOnnx, exportPeft } from "#model/export";
import { type Classifier, createClassifier } from "#model/runtime";
import { defaultBackbone } from "../helpers/pulled-backbone.ts";
import { makeRandomAdapter } from "../helpers/random-adapter.ts";
import { makeTinyBackbone } from "../helpers/tiny-backbone.ts";
import { TINY_WORDS } from "../helpers/tiny-tokenizer.ts";

const SCRIPT = fileURLToPath(new URL("./read_exports.py", import.meta.url));
const PYTHON = process.env.SOFTGATE_PYTHON ?? "";
const ORIGIN = { name: "tickets", version: 1, digest: `sha256:${"a".repeat(64)}`, softgate: "0.0.0" };

const TEXTS = [
  "I was charged twice this month.",
  "Où est ma commande ? 😀",
  "the same word ".repeat(200),
  "ok",
];
const PAIRS: { text: string; textPair: string }[] = TEXTS.map((text, index) => ({
  text,
  textPair: TEXTS[(index + 1) % TEXTS.length] ?? "",
}));

describe.skipIf(PYTHON === "" || !defaultBackbone.isThere)("with SOFTGATE_PYTHON, Python reads", () => {
  let backbone: Backbone;
  let classifier: Classifier;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "softgate-"));
    const files = defaultBackbone.read();
    await mkdir(join(folder, "backbone"));
    await writeFile(join(folder, "backbone", "config.json"), files.config);
    await writeFile(join(folder, "backbone", "model.safetensors"), files.weights);
    await writeFile(join(folder, "backbone", "tokenizer.json"), files.tokenizer);
    backbone = parseBackbone("sentence-transformers/all-MiniLM-L6-v2", files);
    classifier = await createClassifier(backbone, { precision: "fp32" });
  }, 60_000);
  afterAll(async () => {
    await classifier.close();
    await rm(folder, { recursive: true });
  });

  const width = 384;
  const prompts = makeRandomAdapter({
    ...{ width, seed: 1, classes: 4, scaleShift: [1, 5] },
    generators: [
      { layer: 0, pooling: "slots", promptTokens: 4, bottleneck: 8 },
      { layer: 3, pooling: "mean", promptTokens: 2, bottleneck: 8 },
    ],
  });
  const wide = makeRandomAdapter({ width: featureWidth(width, "dual"), seed: 2, classes: 3, generators: [] });
  const dual: Adapter = {
    ...makeRandomAdapter({ width, seed: 2, classes: 3, generators: [], scaleShift: [0, 2] }),
    ...{ pairMode: "dual", head: wide.head },
  };
  const scaled = makeRandomAdapter({ width, seed: 3, classes: 3, generators: [], scaleShift: [0, 5] });
  const updated = makeRandomAdapter({
    ...{ width, seed: 4, classes: 3, generators: [], scaleShift: [0, 3] },
    lowRank: [
      { layer: 0, rank: 4 },
      { layer: 4, rank: 2 },
    ],
  });

  function runPython(args: readonly string[], inputs: readonly TextInput[]) {
    const plain = inputs.map((input) => (typeof input === "string" ? input : [input.text, input.textPair]));
    const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT, ...args], {
      input: JSON.stringify(plain),
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  async function expectSame(
    answer: { labels: string[]; probabilities: number[][]; out_of_scope?: boolean[] },
    request: { adapter: Adapter; inputs: readonly TextInput[]; name: string; by?: Classifier },
  ) {
    const { adapter, inputs, name, by = classifier } = request;
    const handle = { tenant: "a", digest: name, load: async () => adapter };
    const expected = await by.classify(handle, inputs);
    expect(answer.labels).toEqual(adapter.labels);
    for (const [row, { scores_C, outOfScope }] of expected.entries()) {
      for (const [c, score] of scores_C.entries())
        expect(Math.abs((answer.probabilities[row]?.[c] ?? Number.NaN) - score)).toBeLessThan(1e-4);
      if (answer.out_of_scope) expect(answer.out_of_scope[row]).toBe(outOfScope);
    }
  }

  test.each<[string, Adapter, readonly TextInput[]]>([
    ["prompts, scales and shifts", prompts, TEXTS],
    ["joint pairs and a threshold", { ...prompts, outOfScope: { score: "max_logit", below: 1 } }, PAIRS],
    ["low-rank updates", updated, TEXTS],
    ["pairs read each alone", dual, PAIRS],
  ])(
    "an ONNX file as the classifier answers: %s",
    async (name, adapter, inputs) => {
      const path = join(folder, "adapter.onnx");
      await writeFile(path, Buffer.concat(exportOnnx(backbone, adapter, { origin: ORIGIN }).pieces));
      const answer = runPython(["onnx", path, join(folder, "backbone", "tokenizer.json")], inputs);
      await expectSame(answer, { adapter, inputs, name });
    },
    120_000,
  );

  test("an ONNX file of a backbone that predicts words, its template put around the texts", async () => {
    const files = makeTinyBackbone({ family: "bert", maskHead: true });
    const tiny = parseBackbone("tiny", files);
    await writeFile(join(folder, "tiny.json"), files.tokenizer);
    const adapter: Adapter = {
      ...makeRandomAdapter({ width: 32, seed: 1, classes: 3, generators: [], scaleShift: [1] }),
      template: "{text} It was {mask} .",
    };
    const path = join(folder, "tiny.onnx");
    await writeFile(path, Buffer.concat(exportOnnx(tiny, adapter, { origin: ORIGIN }).pieces));
    const words = ["", TINY_WORDS.slice(0, 5).join(" "), TINY_WORDS.join(" ")];
    const answer = runPython(["onnx", path, join(folder, "tiny.json")], words);
    const own = await createClassifier(tiny, { precision: "fp32" });
    await expectSame(answer, { adapter, inputs: words, name: "template", by: own });
    await own.close();
  }, 120_000);

  test.for([
    ["LN_TUNING", scaled],
    ["LORA", updated],
  ] as const)(
    "a PEFT folder of $0 as the classifier answers, where peft is installed",
    { timeout: 300_000 },
    async ([method, given], context) => {
      const { files, method: made } = exportPeft(backbone, serializeAdapter(given, backbone), ORIGIN);
      expect(made).toBe(method);
      const path = join(folder, method);
      await mkdir(path);
      for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
      const answer = runPython(["peft", path, join(folder, "backbone")], TEXTS);
      if (answer.unavailable) return context.skip(`${answer.unavailable} is not installed`);
      const adapter = parseAdapter(serializeAdapter(given, backbone));
      await expectSame(answer, { adapter, inputs: TEXTS, name: method });
    },
  );
});
