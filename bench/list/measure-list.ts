// Pages of a tenant with many adapters: the first, one in the middle, the last, and two searches.
import { createRegistry, type ObjectStore, openObjectStore, parseTenantId, type Registry } from "#registry";
import type { BenchIo } from "../io.ts";
import { type Summary, summarize } from "../statistics.ts";
import { CountingStore } from "./counting-store.ts";
import { adapterName, RARE_LABEL, writeAdapters } from "./write-adapters.ts";

interface PageResult {
  readonly page: string;
  readonly adapters: number;
  /** To the store, for one page. */
  readonly calls: { readonly list: number; readonly get: number };
  readonly milliseconds: Summary;
}

export interface ListResults {
  readonly pages: readonly PageResult[];
  readonly writeSeconds: number;
}

interface ListPlan {
  readonly url: string;
  readonly adapters: number;
  readonly versions: number;
  readonly limit: number;
  readonly rounds: number;
}

const TENANT = parseTenantId("bench");

export async function measureList(plan: ListPlan, io: BenchIo): Promise<ListResults> {
  const store = await openObjectStore(plan.url);
  try {
    const startMs = performance.now();
    await writeAdapters(store, { tenant: TENANT, ...plan }, (written) =>
      io.stderr(`Written: ${written} of ${plan.adapters} adapters\n`),
    );
    const writeSeconds = (performance.now() - startMs) / 1_000;
    const pages: PageResult[] = [];
    for (const [page, query] of pagesOf(plan)) {
      pages.push(await measurePage(store, { page, query, rounds: plan.rounds }));
      io.stderr(`Measured: ${page} page\n`);
    }
    return { pages, writeSeconds };
  } finally {
    await store.close();
  }
}

type Query = NonNullable<Parameters<Registry["listAdapters"]>[1]>;

function pagesOf({ adapters, limit }: ListPlan): [string, Query][] {
  const half = Math.floor(adapters / 2);
  const last = Math.max(adapters - limit - 1, 0);
  return [
    ["first", { limit }],
    ["middle", { limit, after: adapterName(half) }],
    ["last", { limit, after: adapterName(last) }],
    ["prefix", { limit, prefix: adapterName(half).slice(0, -3) }],
    ["label", { limit, label: RARE_LABEL }],
  ];
}

async function measurePage(
  store: ObjectStore,
  { page, query, rounds }: { page: string; query: Query; rounds: number },
): Promise<PageResult> {
  const times: number[] = [];
  let calls = { list: 0, get: 0 };
  let adapters = 0;
  for (let round = 0; round < rounds; round += 1) {
    const counting = new CountingStore(store);
    const startMs = performance.now();
    const found = await createRegistry({ store: counting }).listAdapters(TENANT, query);
    times.push(performance.now() - startMs);
    calls = counting.calls;
    adapters = found.adapters.length;
  }
  return { page, adapters, calls, milliseconds: summarize(times) };
}
