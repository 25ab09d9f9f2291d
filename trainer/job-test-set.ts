// The test set that the alias of trainings is held to: found before a training, answered in its process, and its
// figures recorded before the alias would move. Where the version that the alias points at has no figures yet, it is
// answered too, so that the rule has something to compare with.

import type { FileHandle } from "node:fs/promises";
import type { AdapterFiles } from "#model";
import type { Actor, AdapterName, NewEvaluation, Registry, TenantId } from "#registry";
import { spoolContent } from "./dataset/spool-content.ts";
import type { TestFigures } from "./evaluate-adapters.ts";
import type { DatasetFile } from "./train-in-child.ts";

export interface TestSet {
  readonly datasetId: string;
  /** Where the alias points. */
  readonly version: number;
  readonly file: DatasetFile & { readonly content: FileHandle };
  /** Of that version, where they are to be evaluated. */
  readonly current?: AdapterFiles;
}

export type TestSetRegistry = Pick<
  Registry,
  "findTestSet" | "openDataset" | "resolve" | "readFiles" | "recordEvaluation"
>;

export interface TestSetOwner {
  readonly tenant: TenantId;
  readonly name: AdapterName;
  readonly alias: string;
}

/** Close its file when it is done with. Undefined where the alias is held to none. Throws dataset_not_found, blob_not_found, blob_corrupt. */
export async function readTestSet(
  registry: TestSetRegistry,
  { tenant, name, alias }: TestSetOwner,
  backbone: { readonly digest: string },
): Promise<TestSet | undefined> {
  const held = await registry.findTestSet(tenant, name, alias);
  if (!held) return undefined;
  const { datasetId, version, isEvaluated } = held;
  const { parts, fileName, mediaType, columns } = await registry.openDataset(tenant, datasetId);
  const current = isEvaluated ? undefined : await readCurrent(registry, { tenant, name, version }, backbone);
  const file = { content: await spoolContent(parts), fileName, mediaType, columns };
  return { datasetId, version, file, ...(current && { current }) };
}

/** Undefined where it is of another backbone, or not to be had: then the promotion says that its figures are missing. */
async function readCurrent(
  registry: TestSetRegistry,
  { tenant, name, version }: { tenant: TenantId; name: AdapterName; version: number },
  backbone: { readonly digest: string },
): Promise<AdapterFiles | undefined> {
  try {
    const { manifest } = await registry.resolve(tenant, { name, version });
    if (manifest.backbone.digest !== backbone.digest) return undefined;
    return await registry.readFiles(tenant, manifest);
  } catch {
    // What is wrong with the current version, a training that is to replace it must not end by.
    return undefined;
  }
}

/** Of the version that is to be published; those of the current one are recorded here. Throws as recordEvaluation. */
export async function recordFigures(
  registry: Pick<TestSetRegistry, "recordEvaluation">,
  { tenant, name }: Pick<TestSetOwner, "tenant" | "name">,
  given: {
    readonly testSet: Pick<TestSet, "datasetId" | "version"> | undefined;
    readonly figures: { readonly own?: TestFigures; readonly current?: TestFigures } | undefined;
    readonly softgate: string;
    readonly actor: Actor | undefined;
  },
): Promise<NewEvaluation[]> {
  const { testSet, figures, softgate, actor } = given;
  if (!testSet) return [];
  const { datasetId, version } = testSet;
  if (figures?.current) {
    const evaluation = { ...figures.current, datasetId, version, softgate };
    await registry.recordEvaluation(tenant, name, { ...evaluation, ...(actor && { actor }) });
  }
  return figures?.own ? [{ ...figures.own, datasetId, softgate }] : [];
}
