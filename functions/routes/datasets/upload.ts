// POST /v1/datasets: the first step, upload. The file is parsed in full before it is kept, so that
// every stored dataset can be trained on, and kept with the names of the columns that were read, so that a
// training reads the same. Parsing lets the event loop turn.
import { z } from "zod";
import { parseDataset } from "#trainer/dataset";
import { warningSchema } from "#trainer/report";
import { actorOf } from "../../actor.ts";
import type { AppContext } from "../../app-env.ts";
import { FILE, jsonAnswer, type Operation } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import type { Scope } from "../../scope.ts";
import type { Services } from "../../services.ts";
import { readUpload, type Upload } from "./read-upload.ts";

const COLUMN_NAME_CHARACTERS_MAX = 200;

const columnSchema = z.string().trim().min(1).max(COLUMN_NAME_CHARACTERS_MAX).exactOptional();
/** Columns by their names in the file, where the usual names do not find them. */
const querySchema = z.object({
  textColumn: columnSchema,
  textPairColumn: columnSchema,
  labelColumn: columnSchema,
});

export const UPLOAD_CONTENT = {
  "text/csv": FILE,
  "text/tab-separated-values": FILE,
  "application/x-ndjson": FILE,
  "application/vnd.apache.parquet": FILE,
  "multipart/form-data": z.object({ file: FILE }),
};

export const datasetSchema = z
  .strictObject({
    id: z.string(),
    rows: z.int(),
    labels: z.array(z.string()),
    columns: z.strictObject({
      ...{ text: z.string(), label: z.string() },
      textPair: z.string().exactOptional(),
    }),
    warnings: z.array(warningSchema),
  })
  .meta({ id: "Dataset" });

export const uploadDatasetOperation: Operation = {
  ...{ id: "uploadDataset", tag: "datasets", summary: "Keeps a file of texts and labels" },
  query: querySchema,
  body: { content: UPLOAD_CONTENT },
  answers: {
    201: jsonAnswer("It was read in full, and is kept.", datasetSchema),
  },
  errors: [
    ...(["unsupported_media_type", "too_many_uploads", "invalid_dataset", "dataset_too_large"] as const),
    ...(["quota_exceeded", "limit_exceeded", "conflict"] as const),
  ],
};

export const uploadDataset = (services: Services) => async (c: AppContext) =>
  c.json(await c.get("scope").step("upload", (scope) => store(services, c, scope)), 201);

async function store({ registry }: Services, c: AppContext, scope: Scope) {
  const given = columnsOf(parseQuery(querySchema, c.req.query()));
  const upload = await readUpload(c);
  scope.note({ bytes: upload.bytes.length, media_type: upload.mediaType });
  const { rows, labels, columns, warnings } = await scope.step("dataset", (inner) =>
    parse(upload, given, inner),
  );
  const { id } = await registry.putDataset(c.get("tenant"), {
    ...{ ...upload, rows, labels, columns },
    actor: actorOf(c),
  });
  return { id, rows, labels, columns, warnings };
}

async function parse(upload: Upload, columns: ReturnType<typeof columnsOf>, scope: Scope) {
  const { examples, ...parsed } = await parseDataset(upload.bytes, { ...upload, columns });
  const rows = examples.length;
  scope.note({ rows, labels: parsed.labels.length });
  return { ...parsed, rows };
}

function columnsOf({ textColumn, textPairColumn, labelColumn }: z.infer<typeof querySchema>) {
  return {
    ...(textColumn !== undefined && { text: textColumn }),
    ...(textPairColumn !== undefined && { textPair: textPairColumn }),
    ...(labelColumn !== undefined && { label: labelColumn }),
  };
}
