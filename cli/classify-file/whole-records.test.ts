import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { countWholeRecords } from "./whole-records.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-records-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("of an output cut anywhere the whole records are counted, and where they end", async () => {
  const field = fc.string({ unit: fc.constantFrom("a", "ä", '"', ",", "\n"), maxLength: 6 });
  const path = join(folder, "a.csv");
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 8 }), fc.nat({ max: 200 }), async (fields, cut) => {
      const records = fields.map((text) => Buffer.from(`"${text.replaceAll('"', '""')}"\n`));
      const whole = Buffer.concat(records);
      const kept = Math.min(cut, whole.length);
      await writeFile(path, whole.subarray(0, kept));
      let [count, bytes] = [0, 0];
      for (const { length } of records) {
        if (bytes + length > kept) break;
        bytes += length;
        count += 1;
      }
      expect(await countWholeRecords(path, true)).toEqual({ records: count, bytes });
    }),
    { numRuns: 200 },
  );
});

it("in JSON lines a double quote says nothing", async () => {
  const path = join(folder, "a.jsonl");
  await writeFile(path, '{"a":"\\""}\n{"b"');
  expect(await countWholeRecords(path, false)).toEqual({ records: 1, bytes: 11 });
});
