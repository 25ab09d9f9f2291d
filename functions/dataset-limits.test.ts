// Rooms that know nothing of each other state the same limit: what one accepts, the next must take.
import { expect, it } from "vitest";
import { DATASET_BYTES_MAX as keptMax } from "#registry";
import { DATASET_BYTES_MAX as readMax } from "#trainer/dataset";

it("as many bytes as a registry keeps in a dataset, a trainer reads", () => {
  expect(readMax).toBe(keptMax);
});
