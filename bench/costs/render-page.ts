// The cost sheet as docs/how-to/costs.md. A test holds the page to it.
import { costSheet, type Measured, type PriceTable, type Shape, simulatedMonth } from "./cost-sheet.ts";

export function renderPage(table: PriceTable, measured: Measured): string {
  const { shapes, rivals } = costSheet(table, measured);
  const month = simulatedMonth(table, measured);
  const { perSecond, requestMs, day } = measured;
  return `# What it costs

Written by \`npm run bench -- costs --write\` from [prices.json](../../bench/costs/prices.json), the one table of prices and assumptions,
and from docs/results. Change the table and run it again; a test holds this page to both.

List prices in USD of ${table.asOf} (${table.region}), without free allowances, discounts, traffic and taxes. Look yours up.

## Each way to run it

${shapeTable(shapes)}

- A million texts are a million requests of one text each. A server of two cores answers ${perSecond.toFixed(0)} a second
  ([load.json](../results/load.json)); ${percent(table.assumptions.load.value)} of that is used. Texts sent in batches cost a function or a
  Worker less, as their requests are fewer and their passes full.
- A function has one request at a time: ${requestMs.toFixed(1)} ms, billed as ${Math.ceil(requestMs)}. It was measured on x64, and is billed as arm64.
- A tenant that nobody asks is ${table.assumptions.tenantKilobytes.value} kB in a bucket. There is no process, no session and no memory of its own.

## An endpoint for each tenant instead

${shapeTable(rivals)}

The cheapest of ours keeps a thousand idle tenants for ${usd(Math.min(...shapes.map((shape) => shape.thousandIdleTenantsMonth)))} a month,
the cheaper of these for ${usd(Math.min(...rivals.map((rival) => rival.thousandIdleTenantsMonth)))}. Texts of Comprehend have ${table.assumptions.textCharacters.value} characters; a unit takes 100 a second.
An endpoint's own texts are reckoned as if it were as fast as a server of ours.

## A day of 100,000 tenants

${millions(day.requests)} million requests a day by Zipf's law, simulated from the same measurements ([simulate.json](../results/simulate.json),
\`npm run bench -- simulate\`): ${day.serversMean.toFixed(1)} servers in the mean, and ${percent(day.storeShare)} of requests read an adapter from the store.

| a month | USD |
| --- | ---: |
| servers | ${money(month.servers)} |
| reads from S3 | ${money(month.s3Reads)} |
| the same from R2 | ${money(month.r2Reads)} |

Where reads cost as much as servers, give servers more memory (\`--adapter-resident-bytes\`) or more disk
(\`--adapter-disk-bytes\`), and send each tenant's requests to one server: try both in the simulation first.

The simulation's server is fitted to the steady stretch of load.json: throughput, p50 and p99 come out within 10 %. At a rate that
it was not fitted to p50 is within 25 %, and p99 between once and twice what was measured: it errs towards more servers.

## Prices and assumptions

| price | USD |
| --- | ---: |
${Object.values(table.prices)
  .map((price) => `| ${price.of} | ${plain(price.usd)} |`)
  .join("\n")}

| assumed | |
| --- | ---: |
${Object.values(table.assumptions)
  .map((assumption) => `| ${assumption.of} | ${assumption.value} |`)
  .join("\n")}
`;
}

function shapeTable(shapes: readonly Shape[]): string {
  const rows = shapes.map(
    ({ name, fixedMonth, millionTexts, thousandIdleTenantsMonth }) =>
      `| ${name} | ${money(fixedMonth)} | ${money(millionTexts)} | ${money(thousandIdleTenantsMonth)} |`,
  );
  const head = "| USD | smallest that runs, a month | a million texts | 1,000 idle tenants, a month |";
  return [head, "| --- | ---: | ---: | ---: |", ...rows].join("\n");
}

function money(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value === 0 ? "0" : value.toFixed(value >= 0.1 ? 2 : 4);
}

function usd(value: number): string {
  return `${money(value)} USD`;
}

/** Without an exponent. */
function plain(value: number): string {
  return value.toFixed(10).replace(/\.?0+$/, "");
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function millions(value: number): string {
  return Math.round(value / 1_000_000).toString();
}
