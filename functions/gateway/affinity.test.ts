import { expect, it } from "vitest";
import { parseTenantId } from "#registry";
import { affinityOf } from "./affinity.ts";

const alpha = parseTenantId("alpha");
const body = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

it("requests of one adapter meet, whatever version or alias they name", () => {
  const keys = ["router", "router@canary", "router:3"].map((adapterId) =>
    affinityOf(alpha, "/v1/classify", body({ adapterId, inputs: "x" })),
  );
  expect(new Set([...keys, affinityOf(alpha, "/v1/adapters/router/export", undefined)])).toEqual(
    new Set(["alpha/router"]),
  );
});

it("all else of a tenant meets by the tenant, what no server will take too", () => {
  for (const [path, sent] of [
    ["/v1/jobs/1", undefined],
    ["/v1/classify", body(null)],
    ["/v1/classify", body([1])],
  ] as const) {
    expect(affinityOf(alpha, path, sent)).toBe("alpha");
  }
  expect(affinityOf(alpha, "/v1/classify", new Uint8Array([255]))).toBe("alpha");
});
