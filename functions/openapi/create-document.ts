// All operations → the OpenAPI 3.1 document. What holds for every route stands here: the key, the parameters of
// paths, request ids and the errors that any request may meet.
import { z } from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import { KEY_SCOPES } from "#registry";
import packageJson from "../../package.json" with { type: "json" };
import { problemSchema } from "../problem.ts";
import { type ErrorCode, statusByCode } from "../status-by-code.ts";
import { type Operation, tags } from "./operation.ts";
import { operations } from "./operations.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);

const pathParameters: Readonly<Record<string, z.ZodType>> = {
  name: nameSchema.meta({ description: "Of an adapter.", example: "tickets" }),
  version: z.int().min(1).max(99_999_999).meta({ description: "Of the adapter.", example: 1 }),
  alias: nameSchema.meta({ description: "Of the adapter.", example: "production" }),
  code: z
    .string()
    .regex(/^[a-z_]{1,64}$/)
    .meta({ description: "Of a problem.", example: "queue_full" }),
  id: z.string().min(1).max(200),
  adapterId: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: "name, name@alias or name:3", example: "tickets" }),
};

/** A fault of the server's, or its store's. */
const faultCodes: readonly ErrorCode[] = [
  ...(["internal_error", "blob_not_found", "blob_corrupt", "invalid_manifest", "store_unsuitable"] as const),
  ...(["invalid_safetensors", "invalid_adapter", "store_unreachable", "store_refused"] as const),
];

/** Of a request without a valid key, with one that may not ask for the route, and of a tenant that asks too often. */
const CREDENTIAL_ERRORS: readonly ErrorCode[] = [
  ...(["unauthenticated", "issuer_unreachable", "request_rate_exceeded"] as const),
  ...KEY_SCOPES.map((scope) => `scope_${scope}_missing` as const),
];

/** Of a route that does a request once for each Idempotency-Key. */
const KEY_ERRORS = [
  "idempotency_key_in_use",
  "idempotency_key_reused",
  "limit_exceeded",
  "conflict",
] as const;

/** One line of the table of operations. */
export interface Route {
  readonly method: string;
  /** As app.ts has it. */
  readonly path: string;
  readonly operation: Operation;
}

/** The server's own answer, before any route's. */
const HEADERS_TOO_LONG = {
  431: { description: "The URL and the headers are longer than the server reads." },
};

const requestIdHeader = z.object({ "x-request-id": z.string() });

const tagHeaders = z.object({
  "if-none-match": z
    .string()
    .meta({ description: "The ETag of an earlier answer: 304 while it is the same." })
    .exactOptional(),
});

const keyHeaders = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[!#-~]{1,200}$/)
    .meta({ description: "The same request sent again with it, within a day, gets the first one's answer." })
    .exactOptional(),
});

export function createOpenApiDocument() {
  return createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Softgate",
        version: packageJson.version,
        description: `${packageJson.description}\n\nErrors are problem documents (RFC 9457).`,
        license: { name: packageJson.license, identifier: packageJson.license },
      },
      servers: [{ url: "/" }],
      tags: [...tags],
      security: [{ key: [] }],
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description:
              "A key, made by `softgate keys create`, or a token of the issuer that the server takes them of.",
          },
        },
      },
      paths: pathsOf(operations),
    },
    // A client must take answers that say more than it knows.
    { override: ({ jsonSchema, io }) => void (io === "output" && delete jsonSchema.additionalProperties) },
  );
}

function pathsOf(table: Readonly<Record<string, Operation>>): ZodOpenApiPathsObject {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [route, operation] of Object.entries(table)) {
    const [method = "", path = ""] = route.split(" ");
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[template] = { ...paths[template], [method.toLowerCase()]: describe({ method, path, operation }) };
  }
  return paths;
}

function describe(route: Route): ZodOpenApiOperationObject {
  const { path, operation } = route;
  const { id, summary, tag, query, body, isOpen } = operation;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  const header = headersOf(route);
  const parameters = {
    ...(names.length > 0 && { path: z.object(Object.fromEntries(names.map(parameterOf))) }),
    ...(query && { query }),
    ...(header && { header }),
  };
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(isOpen && { security: [] }),
    ...(Object.keys(parameters).length > 0 && { requestParams: parameters }),
    ...(body && { requestBody: { required: body.isOptional !== true, content: contentOf(body.content) } }),
    responses: {
      ...answersOf(operation),
      ...HEADERS_TOO_LONG,
      ...(hasTag(route) && { 304: { description: "It is as it was.", headers: requestIdHeader } }),
      ...problemsOf(route),
    },
  };
}

function headersOf(route: Route) {
  const common = {
    ...(hasTag(route) && tagHeaders.shape),
    ...(takesKey(route) && keyHeaders.shape),
  };
  const { headers } = route.operation;
  return headers || Object.keys(common).length > 0 ? z.object({ ...common, ...headers?.shape }) : undefined;
}

/** Whether app.ts does the route's requests once for each Idempotency-Key. */
export function takesKey({ method, operation }: Route): boolean {
  return method === "POST" && !operation.changesNothing;
}

/** Whether app.ts puts an ETag on what the route answers. */
export function hasTag({ method, path }: Pick<Route, "method" | "path">): boolean {
  return method === "GET" && path.startsWith("/v1/adapters");
}

function parameterOf(name: string): [string, z.ZodType] {
  const schema = pathParameters[name];
  if (!schema) throw new Error(`invariant: nothing is said of the path parameter ${name}`);
  return [name, schema];
}

function answersOf({ answers }: Operation): ZodOpenApiResponsesObject {
  const described = Object.entries(answers).map(([status, { description, content, headers }]) => [
    status,
    {
      description,
      ...(content && { content: contentOf(content) }),
      headers: requestIdHeader.extend(headers?.shape ?? {}),
    },
  ]);
  return Object.fromEntries(described);
}

/** By status: which codes the problem may have. */
function problemsOf(route: Route): ZodOpenApiResponsesObject {
  const { statusOf, schema } = route.operation.errorForm ?? {
    statusOf: (status: number) => status,
    schema: undefined,
  };
  const byStatus = Map.groupBy(errorCodesOf(route), (code) => statusOf(statusByCode[code]));
  const described = [...byStatus].map(([status, codes]) => [
    status,
    {
      description: codes.map((code) => `\`${code}\``).join(", "),
      content: schema
        ? { "application/json": { schema } }
        : { "application/problem+json": { schema: problemSchema } },
      headers: requestIdHeader,
    },
  ]);
  return Object.fromEntries(described);
}

/** Of a route, each once, in the order of their statuses. */
export function errorCodesOf(route: Route): readonly ErrorCode[] {
  const { path, operation } = route;
  const { errors = [], isOpen, query, body, headers } = operation;
  const hasInput = query ?? body ?? headers ?? path.includes(":");
  const codes: ErrorCode[] = [
    ...(hasInput ? (["invalid_request"] as const) : []),
    ...(path.includes(":name") ? (["invalid_name"] as const) : []),
    ...(isOpen ? [] : CREDENTIAL_ERRORS),
    ...(["payload_too_large"] as const),
    ...(body ? (["unsupported_media_type", "body_too_slow"] as const) : []),
    ...(takesKey(route) ? KEY_ERRORS : []),
    ...errors,
    ...faultCodes,
  ];
  return [...new Set(codes)].sort((left, right) => statusByCode[left] - statusByCode[right]);
}

function contentOf(content: Readonly<Record<string, z.ZodType>>) {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}
