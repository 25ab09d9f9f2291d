// Prices and measured figures → what each way to run Softgate costs, and what its rivals do. Pure arithmetic, in USD.
import { z } from "zod";

const pricedSchema = z.object({ usd: z.number().positive(), of: z.string() });
const assumedSchema = z.object({ value: z.number().positive(), of: z.string() });

const PRICES = [
  "machineHour",
  "fargateCpuHour",
  "fargateGigabyteHour",
  "lambdaGigabyteSecond",
  "lambdaMillionRequests",
  "lambdaKeptGigabyteSecond",
  "s3GigabyteMonth",
  "s3MillionReads",
  "r2GigabyteMonth",
  "r2MillionReads",
  "workersMonth",
  "workersMillionRequests",
  "workersMillionCpuMs",
  "containerCpuSecond",
  "containerGibibyteSecond",
  "containerDiskGigabyteSecond",
  "endpointHour",
  "comprehendUnitSecond",
  "comprehendModelMonth",
] as const;
const ASSUMPTIONS = [
  "load",
  "lambdaMegabytes",
  "gatewayCpuMs",
  "edgeCpuMs",
  "tenantKilobytes",
  "textCharacters",
] as const;

export const priceTableSchema = z.strictObject({
  asOf: z.string(),
  region: z.string(),
  prices: z.record(z.enum(PRICES), pricedSchema),
  assumptions: z.record(z.enum(ASSUMPTIONS), assumedSchema),
});

export type PriceTable = z.infer<typeof priceTableSchema>;

/** What was measured: docs/results. */
export interface Measured {
  /** Requests of one text that a server of two cores answers in a second. */
  readonly perSecond: number;
  /** Of a request to a server that does nothing else. */
  readonly requestMs: number;
  /** Of a day of the simulation. */
  readonly day: { readonly requests: number; readonly storeShare: number; readonly serversMean: number };
}

export interface Shape {
  readonly name: string;
  /** Of the smallest deployment, with nobody asking; of a rival, of one tenant's endpoint. */
  readonly fixedMonth: number;
  readonly millionTexts: number;
  readonly thousandIdleTenantsMonth: number;
}

const HOURS_A_MONTH = 730;
const SECONDS_A_MONTH = HOURS_A_MONTH * 3_600;
const MILLION = 1_000_000;
/** An adapter is two files. */
const READS_OF_ADAPTER = 2;
/** standard-3: as many cores as were measured. */
const CONTAINER = { cpus: 2, gibibytes: 8, diskGigabytes: 16 };
const FARGATE = { cpus: 2, gigabytes: 4 };

export function costSheet(table: PriceTable, measured: Measured): { shapes: Shape[]; rivals: Shape[] } {
  return { shapes: ownShapes(table, measured), rivals: rivalShapes(table, measured) };
}

function ownShapes({ prices, assumptions }: PriceTable, { perSecond, requestMs }: Measured): Shape[] {
  const value = (name: (typeof ASSUMPTIONS)[number]) => assumptions[name].value;
  const usd = (name: (typeof PRICES)[number]) => prices[name].usd;
  const textsAnHour = perSecond * value("load") * 3_600;
  const idleGigabytes = (1_000 * value("tenantKilobytes")) / MILLION;
  const onS3 = idleGigabytes * usd("s3GigabyteMonth");
  const onR2 = idleGigabytes * usd("r2GigabyteMonth");
  const server = (name: string, hour: number): Shape => ({
    ...{ name, fixedMonth: HOURS_A_MONTH * hour, thousandIdleTenantsMonth: onS3 },
    millionTexts: (MILLION * hour) / textsAnHour,
  });
  const fargateHour = FARGATE.cpus * usd("fargateCpuHour") + FARGATE.gigabytes * usd("fargateGigabyteHour");
  const gigabytes = value("lambdaMegabytes") / 1_024;
  const billedSeconds = Math.ceil(requestMs) / 1_000;
  const lambda =
    MILLION * billedSeconds * gigabytes * usd("lambdaGigabyteSecond") + usd("lambdaMillionRequests");
  const keptMonth = SECONDS_A_MONTH * gigabytes * usd("lambdaKeptGigabyteSecond");
  const containerHour = 3_600 * containerSecond(usd);
  const gateway = usd("workersMillionRequests") + value("gatewayCpuMs") * usd("workersMillionCpuMs");
  return [
    server("server on a virtual machine", usd("machineHour")),
    server("container on Fargate", fargateHour),
    { name: "Lambda", fixedMonth: 0, millionTexts: lambda, thousandIdleTenantsMonth: onS3 },
    {
      ...{ name: "Lambda, an instance kept started", fixedMonth: keptMonth },
      ...{ millionTexts: lambda, thousandIdleTenantsMonth: onS3 },
    },
    {
      name: "Worker gateway and a Cloudflare container",
      fixedMonth: usd("workersMonth") + HOURS_A_MONTH * containerHour,
      millionTexts: gateway + (MILLION * containerHour) / textsAnHour,
      thousandIdleTenantsMonth: onR2,
    },
    {
      name: "Worker alone, at the edge",
      fixedMonth: usd("workersMonth"),
      millionTexts: usd("workersMillionRequests") + value("edgeCpuMs") * usd("workersMillionCpuMs"),
      thousandIdleTenantsMonth: onR2,
    },
  ];
}

function containerSecond(usd: (name: (typeof PRICES)[number]) => number): number {
  return (
    CONTAINER.cpus * usd("containerCpuSecond") +
    CONTAINER.gibibytes * usd("containerGibibyteSecond") +
    CONTAINER.diskGigabytes * usd("containerDiskGigabyteSecond")
  );
}

/** An endpoint of each tenant's own runs whether it is asked or not. */
function rivalShapes({ prices, assumptions }: PriceTable, { perSecond }: Measured): Shape[] {
  const textsAnHour = perSecond * assumptions.load.value * 3_600;
  const endpointHour = prices.endpointHour.usd;
  const unitMonth = SECONDS_A_MONTH * prices.comprehendUnitSecond.usd;
  const unitsOfText = assumptions.textCharacters.value / 100;
  const comprehendMonth = unitMonth + prices.comprehendModelMonth.usd;
  return [
    {
      name: "an endpoint for each tenant",
      fixedMonth: HOURS_A_MONTH * endpointHour,
      millionTexts: (MILLION * endpointHour) / textsAnHour,
      thousandIdleTenantsMonth: 1_000 * HOURS_A_MONTH * endpointHour,
    },
    {
      name: "Comprehend custom classification, an endpoint of one unit each",
      fixedMonth: comprehendMonth,
      millionTexts: (MILLION * unitsOfText * prices.comprehendUnitSecond.usd) / assumptions.load.value,
      thousandIdleTenantsMonth: 1_000 * comprehendMonth,
    },
  ];
}

/** Of the simulated day, 30 times: servers, and what they read from the store. */
export function simulatedMonth({ prices }: PriceTable, { day }: Measured) {
  const reads = 30 * day.requests * day.storeShare * READS_OF_ADAPTER;
  return {
    servers: day.serversMean * HOURS_A_MONTH * prices.machineHour.usd,
    s3Reads: (reads / MILLION) * prices.s3MillionReads.usd,
    r2Reads: (reads / MILLION) * prices.r2MillionReads.usd,
  };
}
