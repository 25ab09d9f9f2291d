// The ways one batch of texts is computed, each a function that runs it once.
import type { Backbone, EncoderConfig, Encoding, TextInput } from "#model";
import { type Precision, packedFeeds, packTexts } from "#model/encoder";
import { type BatchItem, batchFeeds, type Classifier, createClassifier, servingGraph } from "#model/runtime";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { adapterShape, makeAdapter, type ResidentAdapters, residentAdapters } from "./resident-adapters.ts";
import { type PeerProcess, type ServePeer, startPeer } from "./serve-peers.ts";
import { bareGraph, SideBySide } from "./side-by-side.ts";

export const SERVE_CASES = {
  bare: "no adapters",
  mixed: "an adapter each: prompts",
  scales: "an adapter each: scales and shifts",
  updates: "an adapter each: scales, shifts and low-rank updates",
  single: "one adapter: prompts",
  resident: "as mixed, many in memory",
  bareInt8: "int8, no adapters",
  mixedInt8: "int8, an adapter each: prompts",
  scalesInt8: "int8, an adapter each: scales and shifts",
  updatesInt8: "int8, an adapter each: scales, shifts and low-rank updates",
  singleInt8: "int8, one adapter: prompts",
  residentInt8: "int8, as mixed, many in memory",
  classify: "as mixed, text to scores",
  transformers_js: "transformers.js, a head each: one batch",
  transformers_js_sorted: "the same, sorted by length in batches of 16",
  peft: "PEFT, a LoRA adapter each: one batch",
  peft_sorted: "the same, sorted by length in batches of 16",
} as const;

export type ServeCaseName = keyof typeof SERVE_CASES;
/** Peers only where they were asked for. */
export type ServeRuns = ReadonlyMap<ServeCaseName, () => Promise<unknown>>;

export interface ServeCases {
  readonly run: ServeRuns;
  /** Bytes of adapter weights of the case "resident", spare slots included. */
  readonly residentBytes: number;
  close(): Promise<void>;
}

export interface ServeCasesRequest {
  readonly opened: OpenedBackbone;
  readonly peers: readonly ServePeer[];
  readonly io: BenchIo;
  readonly inputs: readonly TextInput[];
  readonly encodings: readonly Encoding[];
  /** Adapters of the case "resident". */
  readonly residentCount: number;
  readonly threads: number;
}

export async function createServeCases(request: ServeCasesRequest): Promise<ServeCases> {
  const { opened, inputs, encodings, residentCount, threads } = request;
  const { backbone } = opened;
  const { config } = backbone;
  const peers = await startPeers(request);
  const [bare, bareInt8] = await inBoth((precision) =>
    SideBySide.create(bareGraph({ ...backbone, precision }), { threads }),
  );
  const [serving, servingInt8] = await inBoth((precision) =>
    SideBySide.create(servingGraph({ ...backbone, precision }), { threads }),
  );
  const classifier = await createClassifier(backbone, { threads });
  const few = await residentAdapters(backbone, inputs.length, "spt");
  const scales = await residentAdapters(backbone, inputs.length, "scales");
  const updates = await residentAdapters(backbone, inputs.length, "updates");
  const many = await residentAdapters(backbone, residentCount, "spt");
  const texts = encodings.map((encoding) => ({ encoding }));
  const barePass = (by: SideBySide) => () => by.run(texts, (share) => bareFeeds(share, config));
  const passOf =
    (by: SideBySide, items: readonly BatchItem[], { cache }: ResidentAdapters) =>
    () =>
      by.run(items, (share) => batchFeeds(share, config, cache));
  // Spread over all that are resident.
  const stride = Math.max(1, Math.floor(residentCount / inputs.length));
  const mixedItems = itemsOf(encodings, few, (text) => text);
  const scalesItems = itemsOf(encodings, scales, (text) => text);
  const updatesItems = itemsOf(encodings, updates, (text) => text);
  const singleItems = itemsOf(encodings, few, () => 0);
  const residentItems = itemsOf(encodings, many, (text) => (text * stride) % residentCount);
  return {
    run: new Map<ServeCaseName, () => Promise<unknown>>([
      ["bare", barePass(bare)],
      ["mixed", passOf(serving, mixedItems, few)],
      ["scales", passOf(serving, scalesItems, scales)],
      ["updates", passOf(serving, updatesItems, updates)],
      ["single", passOf(serving, singleItems, few)],
      ["resident", passOf(serving, residentItems, many)],
      ["bareInt8", barePass(bareInt8)],
      ["mixedInt8", passOf(servingInt8, mixedItems, few)],
      ["scalesInt8", passOf(servingInt8, scalesItems, scales)],
      ["updatesInt8", passOf(servingInt8, updatesItems, updates)],
      ["singleInt8", passOf(servingInt8, singleItems, few)],
      ["residentInt8", passOf(servingInt8, residentItems, many)],
      [
        "classify",
        () => Promise.all(inputs.map((input, text) => classifyOne(classifier, backbone, text, input))),
      ],
      ...peers.flatMap(({ name, process }) => [
        [name, () => process.run("together")] as const,
        [`${name}_sorted` as const, () => process.run("sorted")] as const,
      ]),
    ]),
    residentBytes: many.cache.stats.slabBytes,
    close: async () => {
      const processes = peers.map(({ process }) => process);
      for (const part of [bare, bareInt8, serving, servingInt8, classifier, ...processes]) await part.close();
    },
  };
}

function bareFeeds(texts: readonly { readonly encoding: Encoding }[], config: EncoderConfig) {
  const encodings = texts.map(({ encoding }) => encoding);
  return packedFeeds(packTexts(encodings, config), config);
}

async function startPeers({ opened, peers, inputs, threads, io }: ServeCasesRequest) {
  const texts = inputs.map((input) =>
    typeof input === "string" ? input : `${input.text} ${input.textPair}`,
  );
  const { classes } = adapterShape(opened.backbone.config);
  const started: { name: ServePeer; process: PeerProcess }[] = [];
  for (const name of peers) {
    io.stderr(`Starting ${name}\n`);
    started.push({ name, process: await startPeer(name, { backbone: opened, texts, classes, threads }, io) });
  }
  return started;
}

async function inBoth<Value>(
  create: (precision: Precision) => Promise<Value>,
): Promise<readonly [Value, Value]> {
  return [await create("fp32"), await create("int8")];
}

function itemsOf(
  encodings: readonly Encoding[],
  { residents }: ResidentAdapters,
  adapterOf: (text: number) => number,
): BatchItem[] {
  return encodings.map((encoding, text) => {
    const resident = residents[adapterOf(text)];
    if (!resident) throw new Error(`invariant: text ${text} has one of ${residents.length} adapters`);
    return { encoding, resident };
  });
}

/** One request of one tenant; requests of one moment are computed together by the classifier. */
function classifyOne(classifier: Classifier, { config }: Backbone, text: number, input: TextInput) {
  const load = async () => makeAdapter(config, text, "spt");
  return classifier.classify({ tenant: `tenant-${text}`, digest: "", load }, [input]);
}
