// Whatever JSON a caller sends, the fault is never the server's.
import fc from "fast-check";
import { expect, it } from "vitest";
import { createTestApp, publishAdapter } from "./test-app.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("router", "router:1", "__proto__"),
);
const anyJson = fc.jsonValue({ maxDepth: 4 });
const input = fc.oneof(text, fc.record({ text, textPair: text }, { requiredKeys: [] }), anyJson);

const classifyBody = fc.record(
  {
    adapterId: fc.oneof(text, anyJson),
    inputs: fc.oneof(text, fc.array(input, { maxLength: 4 }), anyJson),
    topK: fc.oneof(fc.integer(), anyJson),
    ["__proto__"]: anyJson,
  },
  { requiredKeys: ["adapterId", "inputs"] },
);

const trainBody = fc.record(
  {
    name: fc.oneof(text, anyJson),
    datasetId: fc.oneof(text, anyJson),
    options: fc.oneof(fc.record({ seed: anyJson, epochs: fc.integer(), promptTokens: anyJson }), anyJson),
  },
  { requiredKeys: [] },
);

it.each([
  ["/v1/classify", classifyBody],
  ["/v1/adapters", trainBody],
])("POST %s never answers with a fault of the server", async (path, body) => {
  const { send, registry } = await createTestApp();
  await publishAdapter(registry, { name: "router" });
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: body }, anyJson), async (value) => {
      const response = await send("POST", path, JSON.stringify(value));
      expect(response.status).toBeLessThan(500);
      if (response.status >= 400) expect(await response.json()).toMatchObject({ status: response.status });
    }),
    { numRuns: 300 },
  );
});

it("GET paths never answer with a fault of the server", async () => {
  const { send } = await createTestApp();
  await fc.assert(
    fc.asyncProperty(text, text, async (name, query) => {
      const [part, value] = [
        encodeURIComponent(name.toWellFormed()),
        encodeURIComponent(query.toWellFormed()),
      ];
      for (const path of [
        `/v1/adapters/${part}/versions?after=${value}`,
        `/v1/jobs/${part}`,
        `/v1/adapters?after=${value}`,
      ]) {
        expect((await send("GET", path)).status).toBeLessThan(500);
      }
    }),
    { numRuns: 200 },
  );
});
