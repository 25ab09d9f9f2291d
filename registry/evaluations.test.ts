// A version's figures on test sets, and rules that hold an alias to them.
import { beforeEach, describe, expect, it } from "vitest";
import type { NewEvaluation } from "./evaluations.ts";
import { evaluationKey, evaluationsPrefix } from "./layout.ts";
import { TEST_SET_ROWS_MAX } from "./limits.ts";
import type { Registry } from "./registry.ts";
import {
  alpha,
  beta,
  createTestRegistry,
  dump,
  encode,
  publishRequest,
  router,
  type TestRegistry,
} from "./test-registry.ts";

const owner = { tenant: alpha, name: router };
let test: TestRegistry;
let registry: Registry;
let datasetId: string;

beforeEach(async () => {
  test = createTestRegistry();
  ({ registry } = test);
  datasetId = await upload();
});

async function upload(tenant = alpha, rows = 8): Promise<string> {
  const { id } = await registry.putDataset(tenant, {
    ...{ bytes: encode("text,label\na,b\n"), rows, labels: ["b"], fileName: "a.csv", mediaType: "text/csv" },
    columns: { text: "text", label: "label" },
  });
  return id;
}

const figures = (macroF1: number): NewEvaluation => ({
  ...{ datasetId, rows: 8, accuracy: 0.5, macroF1, precision: "int8", softgate: "0.0.0" },
});
const record = (version: number, macroF1: number, more = {}) =>
  registry.recordEvaluation(alpha, router, { ...figures(macroF1), version, ...more });
const publish = (text: string, macroF1?: number) =>
  registry.publish(
    alpha,
    publishRequest(text, macroF1 === undefined ? {} : { evaluations: [figures(macroF1)] }),
  );
const protect = (marginMax = 0.01, metric: "accuracy" | "macroF1" = "macroF1") =>
  registry.protectAlias(alpha, router, {
    ...{ alias: "production", protected: true },
    rule: { metric, on: "testSet", datasetId, marginMax },
  });
const move = (version: number, options = {}) =>
  registry.setAlias(alpha, router, { alias: "production", version, ...options });

describe("an evaluation", () => {
  it("is kept with its version, its dataset and who made it, and is in the audit", async () => {
    const { digest } = await publish("one");
    const actor = { id: "key_1", requestId: "r-1" };
    const kept = await record(1, 0.8, { actor });
    const { digest: datasetDigest } = await registry.getDataset(alpha, datasetId);
    expect(kept).toEqual({
      dataset: { id: datasetId, digest: datasetDigest, rows: 8 },
      adapterDigest: digest,
      ...{ accuracy: 0.5, macroF1: 0.8, precision: "int8", softgate: "0.0.0" },
      ...{ at: "2026-01-01T00:00:00.000Z", by: "key_1", requestId: "r-1" },
    });
    const key = evaluationKey(owner, 1, datasetId);
    expect(key.startsWith(evaluationsPrefix(owner, 1))).toBe(true);
    expect(JSON.parse((await dump(test.store)).get(key) ?? "")).toEqual(kept);
    await record(1, 0.8, { actor });
    const { entries } = await registry.listAudit(alpha);
    expect(entries.filter(({ action }) => action === "record_evaluation")).toHaveLength(1);
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: "record_evaluation",
        adapter: "router",
        version: 1,
        datasetId,
        by: "key_1",
      }),
    );
  });

  it("is written once: whoever comes later, or at the same time, gets what stands", async () => {
    await publish("one");
    const [first, ...others] = await Promise.all(
      [0.1, 0.2, 0.3].map((macroF1, index) =>
        (index === 0 ? registry : test.reopen()).recordEvaluation(alpha, router, {
          ...figures(macroF1),
          version: 1,
        }),
      ),
    );
    expect(others).toEqual([first, first]);
    expect(await record(1, 0.9)).toEqual(first);
  });

  it("whose write was answered by no reply stands", async () => {
    await publish("one");
    test.store.revive();
    // The audit's entry is write 0.
    test.store.faults.set(1, "after");
    expect((await record(1, 0.8)).macroF1).toBe(0.8);
    expect((await record(1, 0.9)).macroF1).toBe(0.8);
  });

  it("of what is not there, or another tenant's, is refused", async () => {
    await publish("one");
    await expect(record(2, 0.8)).rejects.toMatchObject({ code: "version_not_found" });
    const others = { ...figures(0.8), datasetId: await upload(beta), version: 1 };
    await expect(registry.recordEvaluation(alpha, router, others)).rejects.toMatchObject({
      code: "dataset_not_found",
    });
    const ofBeta = registry.recordEvaluation(beta, router, { ...figures(0.8), version: 1 });
    await expect(ofBeta).rejects.toMatchObject({ code: "adapter_not_found" });
    await expect(record(1, 0.8, { rows: 7 })).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("an alias that is held to a test set", () => {
  beforeEach(async () => {
    await publish("one", 0.8);
    await protect();
  });

  it("moves to what is as good on it, by more than the margin no worse, and to nothing else", async () => {
    expect((await publish("two", 0.79)).heldBack).toBeUndefined();
    const { version, heldBack } = await publish("three", 0.7799);
    expect(heldBack).toBe(
      `Version 3 has a macro-F1 on test set ${datasetId} of 0.7799, and version 2, where production points, of ` +
        "0.7900: it may be lower by at most 0.01. Move it with force and a reason (why) if you must.",
    );
    await expect(move(version)).rejects.toMatchObject({ code: "promotion_refused", publicMessage: heldBack });
    await move(version, { force: true, why: "new labels" });
  });

  it("is compared by the figure that the rule names", async () => {
    await protect(0, "accuracy");
    expect((await publish("two", 0.1)).heldBack).toBeUndefined();
  });

  it("stays while the version has no figures on it, and says which command makes them", async () => {
    const { heldBack } = await publish("two");
    expect(heldBack).toContain(
      `version 2 has no figures on it yet: softgate evaluate --adapter router:2 --dataset ${datasetId} --record`,
    );
    await record(2, 0.9);
    await move(2);
  });

  it("stays while the version it points at has none to compare with", async () => {
    await protect();
    datasetId = await upload();
    await protect();
    expect((await publish("two", 0.9)).heldBack).toContain(`--adapter router:1 --dataset ${datasetId}`);
    await record(1, 0.9);
    await move(2);
  });

  it("holds a rollback as well", async () => {
    await publish("two", 0.95);
    const back = { alias: "production" };
    await expect(registry.rollback(alpha, router, back)).rejects.toMatchObject({ code: "promotion_refused" });
  });

  it("is told to trainings, with whether there is something to compare with", async () => {
    const found = () => registry.findTestSet(alpha, router, "production");
    expect(await found()).toEqual({ datasetId, version: 1, isEvaluated: true });
    datasetId = await upload();
    await protect();
    expect(await found()).toEqual({ datasetId, version: 1, isEvaluated: false });
    await registry.protectAlias(alpha, router, { alias: "production", protected: true });
    expect(await found()).toBeUndefined();
    expect(await registry.findTestSet(alpha, router, "canary")).toBeUndefined();
    expect(await registry.findTestSet(beta, router, "production")).toBeUndefined();
  });
});

it("a publish that died before its figures were kept writes them when it is repeated, and is promoted then", async () => {
  await publish("one", 0.8);
  await protect();
  const request = publishRequest("two", { idempotencyKey: "job-2", evaluations: [figures(0.9)] });
  test.store.revive();
  const manifest = await writeNumberOf((call) => call.includes("/evaluations/"), request);
  test.store.revive();
  test.store.faults.set(manifest, "before");
  const again = publishRequest("three", { idempotencyKey: "job-3", evaluations: [figures(0.9)] });
  await expect(registry.publish(alpha, again)).rejects.toThrow("fault");
  expect((await test.reopen().resolve(alpha, { name: router, alias: "production" })).version).toBe(2);
  test.store.revive();
  expect(await registry.publish(alpha, again)).toMatchObject({ version: 3 });
  expect((await registry.resolve(alpha, { name: router, alias: "production" })).version).toBe(3);
});

/** Which write of a publish it is: its repetition with other content has the same order. */
async function writeNumberOf(
  isIt: (call: string) => boolean,
  request: Parameters<Registry["publish"]>[1],
): Promise<number> {
  await registry.publish(alpha, request);
  return test.store.calls.filter((call) => /^(put|delete) /.test(call)).findIndex(isIt);
}

describe("a rule on a test set", () => {
  it("names a dataset of the tenant, not too large", async () => {
    await publish("one");
    datasetId = await upload(beta);
    await expect(protect()).rejects.toMatchObject({ code: "dataset_not_found" });
    datasetId = await upload(alpha, TEST_SET_ROWS_MAX + 1);
    await expect(protect()).rejects.toMatchObject({ code: "limit_exceeded" });
  });
});
