// POST /v1/adapters/:name/import: a package becomes the next version of the name. What it may not be is refused
// before anything is written; the backbone must be the one that this server holds, or no text could be classified.
// With an Idempotency-Key the same request sent again, after a reply that was lost, makes no second version.
import { z } from "zod";
import { ModelError } from "#model";
import { digestSchema, originSchema, parseAdapterName, publishPackage, unpackPackage } from "#registry";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import { FILE, jsonAnswer, type Operation, SIGNATURE_ERRORS } from "../../openapi/operation.ts";
import { parseInput, parseQuery } from "../../parse-input.ts";
import { mediaTypeOf, readBytes } from "../../read-body.ts";
import type { Services } from "../../services.ts";
import { unzipPackage } from "./package-archive.ts";

/** Each holds its archive and what it unpacks to. */
export const IMPORTS_AT_ONCE_MAX = 2;

const KEY_LENGTH_MAX = 200;
const keySchema = z.object({ "Idempotency-Key": z.string().min(1).max(KEY_LENGTH_MAX).exactOptional() });

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

export function importVersion(services: Services) {
  let imports = 0;
  return async (c: ImportContext) => {
    if (imports >= IMPORTS_AT_ONCE_MAX) {
      throw new RequestError("too_many_uploads", "The server is taking other imports; send this again soon.");
    }
    imports += 1;
    try {
      return c.json(await publishArchive(services, c), 201);
    } finally {
      imports -= 1;
    }
  };
}

async function publishArchive({ registry, backbone }: Services, c: ImportContext) {
  const name = parseAdapterName(c.req.param("name"));
  const alias = parseQuery(querySchema, c.req.query());
  const once = readKey(c);
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
    ...once,
    files,
  });
  return { adapterId: `${name}:${version}`, version, digest, origin };
}

/** Throws RequestError invalid_request. */
function readKey(c: ImportContext): { idempotencyKey?: string } {
  const key = c.req.header("idempotency-key");
  const given = parseInput(keySchema, key === undefined ? {} : { "Idempotency-Key": key });
  return given["Idempotency-Key"] === undefined ? {} : { idempotencyKey: given["Idempotency-Key"] };
}
