// The first step, upload, whatever route takes it: the file is parsed in full before it is kept, so that every stored
// dataset can be trained on, and kept with the names of the columns that were read, so that a training reads the same.
// Parsing lets the event loop turn.
import { z } from "zod";
import { inspectDataset } from "#trainer/dataset";
import { warningSchema } from "#trainer/report";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { FILE } from "../../openapi/operation.ts";
import type { Scope } from "../../scope.ts";
import type { Services } from "../../services.ts";
import { readUpload, type Upload } from "./read-upload.ts";

const COLUMN_NAME_CHARACTERS_MAX = 200;

const columnSchema = z.string().trim().min(1).max(COLUMN_NAME_CHARACTERS_MAX).exactOptional();

/** Columns by their names in the file, where the usual names do not find them. */
export const columnFields = {
  textColumn: columnSchema,
  textPairColumn: columnSchema,
  labelColumn: columnSchema,
};

type ColumnNames = z.infer<z.ZodObject<typeof columnFields>>;

/** Of a request's body, by media type. */
export const UPLOAD_CONTENT = {
  "text/csv": FILE,
  "text/tab-separated-values": FILE,
  "application/x-ndjson": FILE,
  "application/vnd.apache.parquet": FILE,
  "multipart/form-data": z.object({ file: FILE }),
};

/** What is told of a dataset that was read. */
export const readDatasetFields = {
  rows: z.int(),
  labels: z.array(z.string()),
  columns: z.strictObject({
    ...{ text: z.string(), label: z.string() },
    textPair: z.string().exactOptional(),
  }),
  warnings: z.array(warningSchema),
};

/** Of reading and keeping a file. */
export const DATASET_ERRORS = [
  ...(["unsupported_media_type", "invalid_dataset", "dataset_too_large"] as const),
  ...(["quota_exceeded", "limit_exceeded", "conflict"] as const),
];

/** Throws what reading, parsing and keeping it throw; nothing is kept then. */
export async function storeUpload({ registry }: Services, c: AppContext, names: ColumnNames) {
  return c.get("scope").step("upload", async (scope) => {
    const upload = await readUpload(c);
    scope.note({ bytes: upload.bytes.length, media_type: upload.mediaType });
    const { rows, labels, columns, warnings } = await scope.step("dataset", (inner) =>
      parse(upload, columnsOf(names), inner),
    );
    const { id } = await registry.putDataset(c.get("tenant"), {
      ...{ ...upload, rows, labels, columns },
      ...{ actor: actorOf(c), ...onceIdOf(c) },
    });
    return { id, rows, labels, columns, warnings };
  });
}

function onceIdOf(c: AppContext): { onceId?: string } {
  const onceId = c.get("onceId");
  return onceId === undefined ? {} : { onceId };
}

async function parse(upload: Upload, columns: ReturnType<typeof columnsOf>, scope: Scope) {
  const read = await inspectDataset(upload.bytes, { ...upload, columns });
  scope.note({ rows: read.rows, labels: read.labels.length });
  return read;
}

export function columnsOf({ textColumn, textPairColumn, labelColumn }: ColumnNames) {
  return {
    ...(textColumn !== undefined && { text: textColumn }),
    ...(textPairColumn !== undefined && { textPair: textPairColumn }),
    ...(labelColumn !== undefined && { label: labelColumn }),
  };
}
