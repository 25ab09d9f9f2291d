// The classifier of a server: from what was prepared on this machine if it can be, which takes a tenth of the time.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Backbone, choosePrecision, int8Digest, type PrecisionChoice } from "#model";
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
  GRAPH_FILE,
  PREPARED_FILES,
  type PreparedBackbone,
  parsePrepared,
  preparedAs,
  writePrepared,
} from "#model/runtime";
import { dropBegunSession } from "#model/runtime/begin";
import {
  keepPrepared,
  loadBackbone,
  openPrepared,
  type Prepared,
  readBackboneFile,
} from "#registry/backbones";

interface Entry {
  readonly id: string;
  readonly folder: string;
}

type Precision = PreparedBackbone["precision"];

export interface OpenClassifierOptions extends Omit<ClassifierOptions, "precision"> {
  readonly precision: PrecisionChoice;
  readonly log: (event: Record<string, unknown>) => void;
}

export interface OpenedClassifier {
  readonly classifier: Classifier;
  readonly config: PreparedBackbone["config"];
  /** Of the encoder in int8, where that is what answers. */
  readonly int8Digest?: string;
}

/** Rejects as loadBackbone. What is prepared is checked byte for byte while the session loads. */
export async function openClassifier(
  entry: Entry,
  options: OpenClassifierOptions,
): Promise<OpenedClassifier> {
  try {
    return await openAsPrepared(entry, options);
  } finally {
    await dropBegunSession();
  }
}

async function openAsPrepared(entry: Entry, options: OpenClassifierOptions): Promise<OpenedClassifier> {
  const { log, ...ofClassifier } = options;
  const precision = choosePrecision(options.precision);
  const prepared = await openPrepared(placeOf(entry, precision));
  if (prepared) {
    const opened = await createVerified(entry, prepared, { ...ofClassifier, precision });
    if (opened) return opened;
    log({ event: "prepared_backbone_damaged", folder: prepared.folder });
  }
  // One that was begun has loaded what is replaced now.
  await dropBegunSession();
  const startedMs = performance.now();
  const backbone = await loadBackbone(entry);
  const kept = await prepare(entry, backbone, precision);
  if (!kept) return open(backbone, { ...ofClassifier, precision }, encoderFacts(backbone, precision));
  log({ event: "backbone_prepared", folder: kept.folder, ms: Math.round(performance.now() - startedMs) });
  return open(await readPrepared(entry, kept, precision), ofClassifier, kept.facts);
}

/**
 * Prepares a pulled backbone for servers on machines of this kind, where that was not done. The folder; undefined
 * where none can be written. Rejects as loadBackbone.
 */
export async function prepareBackbone(entry: Entry, choice: PrecisionChoice): Promise<string | undefined> {
  const precision = choosePrecision(choice);
  const prepared = await openPrepared(placeOf(entry, precision));
  if (await prepared?.verify()) return prepared?.folder;
  return (await prepare(entry, await loadBackbone(entry), precision))?.folder;
}

function placeOf({ folder }: Entry, precision: Precision) {
  return { folder, ...preparedAs(precision) };
}

function prepare(entry: Entry, backbone: Backbone, precision: Precision): Promise<Prepared | undefined> {
  return keepPrepared(placeOf(entry, precision), async (folder) => {
    await writePrepared(backbone, { precision, folder });
    const facts = { pooling: backbone.config.pooling, ...encoderFacts(backbone, precision) };
    return { names: PREPARED_FILES, facts };
  });
}

async function open(
  backbone: Parameters<typeof createClassifier>[0],
  options: ClassifierOptions,
  { int8Digest }: { readonly int8Digest?: string | undefined },
): Promise<OpenedClassifier> {
  const classifier = await createClassifier(backbone, options);
  return { classifier, config: backbone.config, ...(int8Digest !== undefined && { int8Digest }) };
}

function encoderFacts({ weights }: Backbone, precision: Precision): { int8Digest?: string } {
  return precision === "int8" ? { int8Digest: int8Digest(weights) } : {};
}

/** Undefined where a byte is not what was written. */
async function createVerified(
  entry: Entry,
  prepared: Prepared,
  options: ClassifierOptions & { readonly precision: Precision },
): Promise<OpenedClassifier | undefined> {
  const creating = readPrepared(entry, prepared, options.precision).then((backbone) =>
    open(backbone, options, prepared.facts),
  );
  const [created, isWhole] = await Promise.all([
    creating.catch((error: unknown) => ({ error })),
    prepared.verify(),
  ]);
  if ("classifier" in created) {
    if (isWhole) return created;
    await created.classifier.close();
  } else if (isWhole) throw created.error;
  return undefined;
}

async function readPrepared(
  entry: Entry,
  { folder, digest, facts }: Prepared,
  precision: Precision,
): Promise<PreparedBackbone> {
  const [config, tokenizer, norms] = await Promise.all([
    readBackboneFile(entry, "config.json"),
    readBackboneFile(entry, "tokenizer.json"),
    readFile(join(folder, "norms.safetensors")),
  ]);
  const pooling = POOLINGS.find((name) => name === facts.pooling);
  if (!pooling) throw new Error(`invariant: ${folder} was prepared for a pooling`);
  const graphFile = join(folder, GRAPH_FILE);
  return parsePrepared({
    id: entry.id,
    digest,
    pooling,
    precision,
    graphFile,
    files: { config, tokenizer, norms },
  });
}

const POOLINGS = [
  "mean",
  "first",
  "mask",
] as const satisfies readonly PreparedBackbone["config"]["pooling"][];
