import { describe, expect, it } from "vitest";
import type { Registry } from "./registry.ts";
import { alpha, beta, createTestRegistry, encode } from "./test-registry.ts";

const keep = (registry: Registry, number: number, tenant = alpha) =>
  registry.putDataset(tenant, {
    ...{ bytes: encode(`text,label\n${number},a\n`), rows: 1, labels: ["a"] },
    ...{ fileName: `${number}.csv`, mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });

describe("a list of datasets", () => {
  it("has each once, over pages of any size, and none of another tenant", async () => {
    const { registry } = createTestRegistry();
    const kept = [];
    for (let number = 0; number < 5; number += 1) kept.push((await keep(registry, number)).id);
    await keep(registry, 9, beta);
    for (const limit of [1, 2, 5, 200]) {
      const ids: string[] = [];
      let after: string | undefined;
      do {
        const page = await registry.listDatasets(alpha, { limit, ...(after !== undefined && { after }) });
        expect(page.datasets.length).toBeLessThanOrEqual(limit);
        ids.push(...page.datasets.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(ids).toEqual(kept.toSorted());
    }
  });

  it("says what a file is, and of its labels how many, since they may be a thousand each", async () => {
    const { registry } = createTestRegistry();
    const { copy: _, labels, ...told } = await keep(registry, 1);
    expect(await registry.listDatasets(alpha)).toEqual({
      datasets: [{ ...told, labelCount: labels.length }],
    });
  });

  it("behind what is no dataset's id is refused", async () => {
    const { registry } = createTestRegistry();
    for (const after of ["../keys", "ds_", ""]) {
      await expect(registry.listDatasets(alpha, { after })).rejects.toMatchObject({ code: "invalid_name" });
    }
  });
});
