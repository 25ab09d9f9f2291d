// npm run bench -- costs
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { z } from "zod";
import type { BenchIo } from "../io.ts";
import { readLoadRun } from "../simulate/server-model.ts";
import { type Measured, type PriceTable, priceTableSchema } from "./cost-sheet.ts";
import { renderPage } from "./render-page.ts";

const PRICES = fileURLToPath(new URL("prices.json", import.meta.url));
const SIMULATED = fileURLToPath(new URL("../../docs/results/simulate.json", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/how-to/costs.md", import.meta.url));

const simulatedSchema = z.object({
  results: z.object({
    requests: z.number(),
    storeShare: z.number(),
    servers: z.object({ mean: z.number() }),
  }),
});

export function costsCommand(io: BenchIo): Command {
  return new Command("costs")
    .description("what each way to run Softgate costs, from prices and measured figures; measures nothing")
    .option("--write", "write docs/how-to/costs.md instead of printing it")
    .action(async ({ write }: { write?: true }) => {
      const page = await createCostPage();
      if (write) await writeFile(PAGE, page);
      else io.stdout(page);
    });
}

export async function createCostPage(): Promise<string> {
  return renderPage(await readPrices(), await readMeasured());
}

async function readPrices(): Promise<PriceTable> {
  return priceTableSchema.parse(JSON.parse(await readFile(PRICES, "utf8")));
}

async function readMeasured(): Promise<Measured> {
  const { results } = await readLoadRun("load");
  const { results: day } = simulatedSchema.parse(JSON.parse(await readFile(SIMULATED, "utf8")));
  return {
    perSecond: results.http.median,
    requestMs: results.firstRequest.warm.median,
    day: { requests: day.requests, storeShare: day.storeShare, serversMean: day.servers.mean },
  };
}
