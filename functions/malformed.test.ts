// A thousand requests, each made of what a route takes with something wrong in it: the fault is never the server's,
// and every answer is one that the OpenAPI document describes (test-app.ts looks at each).
import fc from "fast-check";
import { expect, it } from "vitest";
import { createOpenApiDocument } from "./openapi/create-document.ts";
import { createTestApp, publishAdapter, type TestApp } from "./test-app.ts";

const REQUESTS = 1_500;

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const document = JSON.parse(JSON.stringify(createOpenApiDocument())) as {
  paths: Paths;
  components: { schemas: Readonly<Record<string, Schema>> };
};

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "router",
    "production",
    "__proto__",
    "constructor",
    "..",
    "%00",
    "1e309",
    "-1",
    "9".repeat(40),
  ),
);
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  text,
  fc.constantFrom(null, -1, 0, 1.5, 1e308, true, [], {}),
  fc.integer({ min: 0, max: 200 }).map((depth) => JSON.parse(`${"[".repeat(depth)}1${"]".repeat(depth)}`)),
);

/** What the schema takes, and one time in four anything at all in its place. */
function someOf(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: fittingOf(schema) }, { weight: 1, arbitrary: anything });
}

function fittingOf(schema: Schema): fc.Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, items, properties, minimum = -10, maximum = 1_000 } = schema;
  const choices = anyOf ?? oneOf;
  if ($ref) return someOf(document.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {});
  if (choices) return fc.oneof(...choices.map(someOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object": {
      const members = Object.entries(properties ?? {}).map(
        ([name, member]) => [name, someOf(member)] as const,
      );
      return fc.record({ ...Object.fromEntries(members), extra: anything }, { requiredKeys: [] });
    }
    case "array":
      return fc.array(someOf(items ?? {}), { maxLength: 4 });
    case "integer":
    case "number":
      return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.double());
    case "boolean":
      return fc.boolean();
    default:
      return text;
  }
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** As a caller would send it: path, query, headers and body. */
const request = fc.constantFrom(...operations).chain(({ path, method, operation }) => {
  const { parameters = [], requestBody } = operation;
  const values = Object.fromEntries(
    parameters.map(({ in: place, name, schema }) => [`${place} ${name}`, someOf(schema)]),
  );
  const content = Object.entries(requestBody?.content ?? {});
  const bodies = content.map(([type, { schema }]) =>
    fc.record({
      type: fc.oneof(
        { weight: 4, arbitrary: fc.constant(type) },
        { weight: 1, arbitrary: fc.constantFrom("", "a", "application/json") },
      ),
      bytes:
        type === "application/json" ? someOf(schema).map((value) => JSON.stringify(value)) : fileOf(type),
    }),
  );
  const body =
    bodies.length > 0 ? fc.option(fc.oneof(...bodies), { nil: undefined }) : fc.constant(undefined);
  const given = fc.record(values, {
    requiredKeys: Object.keys(values).filter((name) => name.startsWith("path ")),
  });
  return fc.record({ path: fc.constant(path), method: fc.constant(method), given, body });
});

function fileOf(type: string): fc.Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const starts: Record<string, string> = {
    "application/zip": "PK\u0003\u0004",
    "application/vnd.apache.parquet": "PAR1",
  };
  const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => new Uint8Array(value));
  return fc.oneof(
    bytes,
    text.map((value) => `${starts[type] ?? "text,label\n"}${value}`),
    text.map((value) => JSON.stringify({ text: value, label: "a" })),
  );
}

type Malformed = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

async function send({ app, keys }: TestApp, { path, method, given, body }: Malformed): Promise<Response> {
  let target = path;
  const query = new URLSearchParams();
  const headers = new Headers({ Authorization: `Bearer ${keys.alpha}` });
  for (const [place, value] of Object.entries(given)) {
    const [where, name = ""] = place.split(" ");
    const written = (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed();
    if (where === "path") target = target.replace(`{${name}}`, encodeURIComponent(written));
    else if (where === "query") query.append(name, written);
    else headers.set(name, written.replaceAll(/[^\x20-\x7e]/g, "").trim());
  }
  if (body?.type) headers.set("Content-Type", body.type);
  const init = { method, headers, ...(body?.bytes !== undefined && { body: body.bytes }) };
  return app.request(`${target}?${query}`, init);
}

it(`${REQUESTS} malformed requests, to all routes, are each answered, and none with a fault of the server`, async () => {
  const test = await createTestApp();
  await publishAdapter(test.registry, { name: "router" });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(request, async (malformed) => {
      const response = await send(test, malformed);
      expect(response.status).toBeLessThan(500);
      if (response.status >= 400) refused += 1;
    }),
    { numRuns: REQUESTS },
  );
  expect(refused).toBeGreaterThan(REQUESTS / 2);
  expect((await test.app.request("/readyz")).status).toBe(200);
}, 120_000);
