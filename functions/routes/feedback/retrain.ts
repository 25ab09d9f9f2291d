// POST /v1/adapters/:name/retrain: the dataset that the production version learned from, and the adapter's feedback,
// become another dataset, and a job trains the next version on it. That becomes `candidate`, never `production`; its
// report compares the two. The new dataset is kept, as any is: the next retraining goes on from it once the candidate
// is promoted. Both lie on this machine's disk while one is made of the other.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import {
  type DatasetRecord,
  DEFAULT_ALIAS,
  parseAdapterName,
  RegistryError,
  type ResolvedAdapter,
  type TenantId,
} from "#registry";
import {
  inspectDataset,
  type MergedDataset,
  mergeFeedback,
  openContent,
  spoolContent,
} from "#trainer/dataset";
import { PRIORITY_MAX, PRIORITY_MIN, trainOptionsSchema } from "#trainer/job";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { jsonAnswer, jsonBody, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseInput } from "../../parse-input.ts";
import { readJson } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { DATASET_ERRORS } from "../datasets/store-upload.ts";
import { askedBy } from "../jobs/asked-by.ts";

export const retrainRequestSchema = z.strictObject({
  options: z.unknown().default({}),
  priority: z.int().min(PRIORITY_MIN).max(PRIORITY_MAX).default(0),
});

const feedbackUseSchema = z.strictObject({
  added: z.int().meta({ description: "Examples that were added to the dataset." }),
  replaced: z
    .int()
    .meta({ description: "Rows of the dataset that went: feedback gives them another label." }),
  known: z.int().meta({ description: "Feedback that says what the dataset says." }),
  outdated: z.int().meta({ description: "Feedback on a text that later feedback gives a label." }),
  unfit: z
    .int()
    .meta({ description: "Of a label that the dataset lacks, or a pair where it has single texts." }),
});

export const retrainAnswerSchema = z.strictObject({
  jobId: z.string(),
  version: z.int().meta({ description: "The production version, that the report compares with." }),
  datasetId: z.string().meta({ description: "Of the dataset with feedback." }),
  rows: z.int(),
  feedback: feedbackUseSchema,
});

export const retrainOperation: Operation = {
  ...{ id: "retrainAdapter", tag: "feedback", summary: "Trains the next version with the feedback" },
  body: jsonBody(retrainRequestSchema.extend({ options: trainOptionsSchema.exactOptional() })),
  answers: {
    202: jsonAnswer(
      "It is queued. Its version becomes the alias candidate.",
      retrainAnswerSchema,
      z.object({ location: z.string() }),
    ),
  },
  errors: [
    "jobs_unavailable",
    ...DATASET_ERRORS,
    ...(["invalid_options", "adapter_not_found", "alias_not_found", "dataset_not_found"] as const),
    ...(["adapter_deleted", "queue_full", "too_many_uploads", "scratch_full", ...SIGNATURE_ERRORS] as const),
  ],
};

/** Of what is made of the dataset: it is in memory, once, while it is kept. */
const MERGED_BYTES_MAX = 512 * 1024 * 1024;

export const retrain = (services: Services) => async (c: AppContext<"/v1/adapters/:name/retrain">) => {
  const { registry, jobs, signer } = services;
  const name = parseAdapterName(c.req.param("name"));
  const { options: given, priority } = await readJson(c, retrainRequestSchema);
  const options = parseInput(trainOptionsSchema, given, { code: "invalid_options", path: ["options"] });
  const tenant = c.get("tenant");
  const production = await registry.resolve(tenant, { name, alias: DEFAULT_ALIAS });
  await registry.requirePublishable(tenant, name, signer);
  const { dataset, rowsBefore, feedback } = await mergeDataset(services, c, production);
  const { version } = production;
  const { id: datasetId, rows } = dataset;
  const { id: jobId } = await jobs.submit(tenant, {
    ...{ adapterName: name, datasetId, options, priority, retraining: { version, rowsBefore } },
    ...askedBy(c),
  });
  return c.json({ jobId, version, datasetId, rows, feedback }, 202, { Location: `/v1/jobs/${jobId}` });
};

/**
 * Kept as another dataset. Throws dataset_not_found, invalid_request, scratch_full, dataset_too_large, and what keeping a
 * dataset throws.
 */
async function mergeDataset(services: Services, c: AppContext, production: ResolvedAdapter) {
  const tenant = c.get("tenant");
  const { name, version } = production;
  const all = await services.registry.readFeedback(tenant, name);
  if (all.length === 0) {
    throw new RequestError(
      "invalid_request",
      `${name} has no feedback: POST /v1/adapters/${name}/feedback first.`,
    );
  }
  const learned = await openDatasetOf(services, tenant, production);
  try {
    const merged = await mergeFeedback(learned, all, { bytesMax: MERGED_BYTES_MAX });
    try {
      if (merged.added === 0 && merged.replaced === 0) {
        throw new RequestError(
          "invalid_request",
          `All feedback of ${name} is in the dataset of version ${version} already, or does not fit it: there is nothing new to learn.`,
        );
      }
      return await keepMerged(services, c, { merged, learned, production });
    } finally {
      await merged.content.close();
    }
  } finally {
    await learned.content.close();
  }
}

/** It is written in one piece, and so once whole in memory. */
async function keepMerged(
  { registry }: Services,
  c: AppContext,
  given: { merged: MergedDataset; learned: DatasetRecord; production: ResolvedAdapter },
) {
  const { content, sha256, rowsBefore, ...feedback } = given.merged;
  const { name, version } = given.production;
  const columns = {
    text: "text",
    ...(given.learned.columns.textPair !== undefined && { textPair: "text_pair" }),
    label: "label",
  };
  const fileName = `${name}-${version}-feedback.ndjson`;
  const file = { fileName, mediaType: "application/x-ndjson", columns } as const;
  const { rows, labels } = await inspectDataset(content, file);
  const { bytes: size, read } = await openContent(content);
  const dataset = await registry.putDataset(c.get("tenant"), {
    ...{ bytes: await read(0, size), rows, labels, ...file },
    ...{ actor: actorOf(c), ...onceIdFor(c, sha256) },
  });
  return { dataset, rowsBefore, feedback };
}

/**
 * That the version learned from, whatever has become of its id, as a file: close it when it is done with. Throws
 * dataset_not_found, scratch_full.
 */
async function openDatasetOf(
  { registry }: Services,
  tenant: TenantId,
  { name, version, manifest }: ResolvedAdapter,
): Promise<DatasetRecord & { content: FileHandle }> {
  const { id, digest } = manifest.dataset;
  try {
    const found = id === undefined ? undefined : await registry.openDataset(tenant, id);
    if (found?.digest === digest) return { ...found, content: await spoolContent(found.parts) };
  } catch (error) {
    if (!(error instanceof RegistryError && absentCodes.has(error.code))) throw error;
  }
  throw new RegistryError(
    "dataset_not_found",
    `The dataset that version ${version} of ${name} learned from is not here: upload it, and train on it.`,
  );
}

const absentCodes = new Set<RegistryError["code"]>(["dataset_not_found", "blob_not_found"]);

/** The same request done again makes the same dataset, unless there is other feedback by now. */
function onceIdFor(c: AppContext, sha256: string): { onceId?: string } {
  const onceId = c.get("onceId");
  if (onceId === undefined) return {};
  const hex = createHash("sha256").update(onceId).update(sha256).digest("hex");
  return { onceId: hex.slice(0, 32) };
}
