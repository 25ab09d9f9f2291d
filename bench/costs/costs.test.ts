import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { createCostPage } from "./command.ts";
import { costSheet, type PriceTable, priceTableSchema, simulatedMonth } from "./cost-sheet.ts";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");
const measured = {
  perSecond: 500,
  requestMs: 5.2,
  day: { requests: 1_000_000, storeShare: 0.5, serversMean: 2 },
};

/** All prices 1, all assumptions as given. */
async function tableOf(
  prices: Partial<Record<keyof PriceTable["prices"], number>> = {},
): Promise<PriceTable> {
  const table = priceTableSchema.parse(JSON.parse(await read("prices.json")));
  for (const [name, price] of Object.entries(table.prices)) {
    price.usd = prices[name as keyof PriceTable["prices"]] ?? 1;
  }
  table.assumptions.load.value = 0.5;
  table.assumptions.lambdaMegabytes.value = 2_048;
  table.assumptions.tenantKilobytes.value = 1_000;
  table.assumptions.textCharacters.value = 200;
  return table;
}

it("docs/how-to/costs.md is what prices and results give: npm run bench -- costs --write", async () => {
  expect(await read("../../docs/how-to/costs.md")).toBe(await createCostPage());
});

it("a server's texts cost its hours, a function's its milliseconds and requests", async () => {
  const { shapes } = costSheet(await tableOf({ machineHour: 0.9, lambdaGigabyteSecond: 0.00001 }), measured);
  const [server, , lambda] = shapes;
  // 250 a second are 900,000 an hour.
  expect(server?.millionTexts).toBeCloseTo(1, 10);
  expect(server?.fixedMonth).toBeCloseTo(730 * 0.9, 10);
  // 6 ms of 2 GB, and 1 USD for requests.
  expect(lambda?.millionTexts).toBeCloseTo(1_000_000 * 0.006 * 2 * 0.00001 + 1, 10);
  expect(lambda?.fixedMonth).toBe(0);
});

it("an idle tenant costs its bytes, and an endpoint of its own all of its hours", async () => {
  const { shapes, rivals } = costSheet(await tableOf({ s3GigabyteMonth: 0.02, endpointHour: 0.1 }), measured);
  expect(shapes[0]?.thousandIdleTenantsMonth).toBeCloseTo(0.02, 10);
  expect(rivals[0]?.thousandIdleTenantsMonth).toBeCloseTo(1_000 * 730 * 0.1, 6);
  // A unit for each second of the month, and the model: 1 USD each.
  expect(rivals[1]?.thousandIdleTenantsMonth).toBeCloseTo(1_000 * (730 * 3_600 + 1), 6);
  // 200 characters are 2 seconds of a unit, of which half is used.
  expect(rivals[1]?.millionTexts).toBeCloseTo(4_000_000, 6);
});

it("a simulated month costs its servers and its reads, two for each adapter", async () => {
  const month = simulatedMonth(await tableOf({ machineHour: 0.1, s3MillionReads: 0.4 }), measured);
  expect(month.servers).toBeCloseTo(2 * 730 * 0.1, 10);
  expect(month.s3Reads).toBeCloseTo(30 * 0.5 * 2 * 0.4, 10);
});
