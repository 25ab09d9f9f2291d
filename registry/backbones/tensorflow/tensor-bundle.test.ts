import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeSortedTable, writeTensorBundle } from "../../../test/helpers/tensorflow-module.ts";
import { bertNames, VARIABLES_LEFT } from "./bert-names.ts";
import { readSortedTable } from "./sorted-table.ts";
import { readTensorBundle } from "./tensor-bundle.ts";

const ENTRIES = ["", "a", "a/b", "a/bc", "b", "b/aaa", "b/aab", "c"].map(
  (key, at) => [key, Uint8Array.of(at, 200)] as const,
);

describe("readSortedTable", () => {
  test("gives every entry of several blocks, keys whole", () => {
    expect([...readSortedTable(writeSortedTable(ENTRIES))]).toEqual(
      ENTRIES.map(([key, value]) => [key, Buffer.from(value)]),
    );
  });

  test("reads the index that TensorFlow wrote of BERT base: all of the table of names and nothing else", () => {
    const path = new URL("../../../test/fixtures/golden/bert-variables.index", import.meta.url);
    const table = readSortedTable(readFileSync(path));
    const names = [...bertNames(12).map(({ variable }) => variable), ...VARIABLES_LEFT];
    expect([...table.keys()].sort()).toEqual(["", ...names].sort());
  });

  test("refuses compressed blocks, another magic number and a table cut short", () => {
    const table = writeSortedTable(ENTRIES);
    expect(() => readSortedTable(writeSortedTable(ENTRIES, { compression: 1 }))).toThrow(/compressed/);
    expect(() => readSortedTable(table.with(table.length - 1, 0))).toThrow(/magic/);
    for (const length of [0, 20, 47]) {
      expect(() => readSortedTable(table.subarray(0, length)), `${length}`).toThrow(RangeError);
    }
    expect(() => readSortedTable(Buffer.concat([table.subarray(0, 30), table.subarray(-48)]))).toThrow();
  });

  test("refuses a key that stands twice", () => {
    const twice = writeSortedTable([...ENTRIES, ["c", Uint8Array.of(1)]]);
    expect(() => readSortedTable(twice)).toThrow(/"c" stands twice/);
  });
});

describe("readTensorBundle", () => {
  const weight = { name: "weight", shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const bias = { name: "bias", shape: [2], values: Float32Array.of(7, 8) };

  test("gives shapes and values by name, wherever the data lie", () => {
    const { index, data } = writeTensorBundle([weight, bias]);
    // At an odd address: a view is not possible there.
    const moved = Buffer.concat([Uint8Array.of(9), data]).subarray(1);
    for (const bytes of [data, moved]) {
      const tensors = readTensorBundle(index, bytes);
      expect(tensors.get("weight")).toEqual({ shape: [2, 3], values: weight.values });
      expect(tensors.get("bias")).toEqual({ shape: [2], values: bias.values });
      expect(tensors.size).toBe(2);
    }
  });

  test("refuses other types, several shards, sizes that do not fit, and data cut short", () => {
    const read = (...bundle: Parameters<typeof writeTensorBundle>) => {
      const { index, data } = writeTensorBundle(...bundle);
      return () => readTensorBundle(index, data);
    };
    expect(read([{ ...weight, dtype: 2 }])).toThrow(/weight has TensorFlow's type 2/);
    expect(read([weight], { shards: 2 })).toThrow(/2 shards/);
    expect(read([{ ...weight, shape: [2, 2] }])).toThrow(/\[2,2\] and has 24 bytes/);
    const { index, data } = writeTensorBundle([weight, bias]);
    expect(() => readTensorBundle(index, data.subarray(0, -1))).toThrow(/beyond the end/);
  });
});
