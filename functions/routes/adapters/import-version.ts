// POST /v1/adapters/:name/import: a package becomes the next version of the name. What it may not be is refused
// before anything is written; the backbone must be the one that this server holds, or no text could be classified.
// With an Idempotency-Key the same package makes no second version, however often and wherever it was begun.
import { z } from "zod";
import { ModelError } from "#model";
import { digestSchema, originSchema, parseAdapterName, publishPackage, unpackPackage } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { mediaTypeOf } from "../../media-type.ts";
import { FILE, jsonAnswer, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseQuery } from "../../parse-input.ts";
import { readBytes } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { unzipPackage } from "./package-archive.ts";

/** Moved to the new version; production without one. */
const querySchema = z.object({ alias: z.string().max(64).exactOptional() });

export const importVersionOperation: Operation = {
  ...{ id: "importVersion", tag: "adapters", summary: "A package becomes the next version of the name" },
  query: querySchema,
  body: { content: { "application/zip": FILE } },
  answers: {
    201: jsonAnswer(
      "It is published.",
      z.strictObject({
        ...{ adapterId: z.string(), version: z.int(), digest: digestSchema },
        origin: originSchema,
      }),
    ),
  },
  errors: [
    ...(["unsupported_media_type", "too_many_uploads", "invalid_package", "backbone_mismatch"] as const),
    ...(["adapter_deleted", "quota_exceeded", "limit_exceeded", "conflict", ...SIGNATURE_ERRORS] as const),
  ],
};

type ImportContext = AppContext<"/v1/adapters/:name/import">;

export const importVersion = (services: Services) => async (c: ImportContext) =>
  c.json(await publishArchive(services, c), 201);

async function publishArchive({ registry, backbone }: Services, c: ImportContext) {
  const name = parseAdapterName(c.req.param("name"));
  const alias = parseQuery(querySchema, c.req.query());
  const idempotencyKey = c.get("onceId");
  if (mediaTypeOf(c.req.header("content-type")) !== "application/zip") {
    throw new RequestError("unsupported_media_type", "Send a package with Content-Type: application/zip.");
  }
  const files = unzipPackage(await readBytes(c));
  const { manifest, origin } = unpackPackage(files);
  if (manifest.backbone.digest !== backbone.digest) {
    throw new ModelError(
      "backbone_mismatch",
      `The adapter was trained on backbone ${manifest.backbone.id} (${manifest.backbone.digest}); this server holds ${backbone.id} (${backbone.digest}). Import it where its backbone is.`,
    );
  }
  const { version, digest } = await publishPackage(registry, c.get("tenant"), {
    name,
    ...alias,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    files,
  });
  return { adapterId: `${name}:${version}`, version, digest, origin };
}
