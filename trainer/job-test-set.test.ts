import { expect, it } from "vitest";
import { parseAdapterName, parseTenantId, type Registry } from "#registry";
import { readTestSet, type TestSetRegistry } from "./job-test-set.ts";

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const owner = {
  ...{ tenant: parseTenantId("alpha"), name: parseAdapterName("router"), alias: "production" },
};
const files = { config: new Uint8Array(1), weights: new Uint8Array(1) };

function registryWith(overrides: Partial<TestSetRegistry> = {}): TestSetRegistry {
  const resolved = { version: 3, manifest: { backbone: { digest: digestOf("a") } } };
  return {
    findTestSet: async () => ({ datasetId: "ds_1", version: 3, isEvaluated: false }),
    openDataset: async () => ({ parts: new Blob(["ab"]).stream(), fileName: "a.csv" }) as never,
    resolve: async () => resolved as Awaited<ReturnType<Registry["resolve"]>>,
    readFiles: async () => files,
    recordEvaluation: () => expect.unreachable(),
    ...overrides,
  };
}

it("a test set comes with the version that the alias points at, where that has no figures yet", async () => {
  const testSet = await readTestSet(registryWith(), owner, { digest: digestOf("a") });
  expect(testSet).toMatchObject({
    datasetId: "ds_1",
    version: 3,
    file: { fileName: "a.csv" },
    current: files,
  });
});

it.each([
  ["is of another backbone", {}, digestOf("b")],
  ["is refused", { resolve: () => Promise.reject(new Error("not signed")) }, digestOf("a")],
  ["has lost its files", { readFiles: () => Promise.reject(new Error("gone")) }, digestOf("a")],
] as const)("a version that %s hinders no training: the test set comes alone", async (_, broken, digest) => {
  const testSet = await readTestSet(registryWith(broken), owner, { digest });
  expect(testSet).toMatchObject({ datasetId: "ds_1" });
  expect(testSet).not.toHaveProperty("current");
});
