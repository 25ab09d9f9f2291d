// Random adapters in a cache of their own, each a tenant's, held as if every one were in use.
import type { Adapter, EncoderConfig } from "#model";
import { AdapterCache, type ResidentAdapter } from "#model/runtime";
import { randomAdapter, randomLayers } from "../random-adapter.ts";

/** What every random adapter looks like: the trainer's defaults. */
export const ADAPTER_SHAPE = {
  promptLayersEach: 3,
  pooling: "mean",
  promptTokens: 4,
  bottleneck: 16,
  classes: 8,
} as const;

export interface ResidentAdapters {
  readonly cache: AdapterCache;
  /** Adapter i is makeAdapter(config, i). */
  readonly residents: readonly ResidentAdapter[];
}

export async function residentAdapters(config: EncoderConfig, count: number): Promise<ResidentAdapters> {
  const cache = new AdapterCache(config, Number.MAX_SAFE_INTEGER);
  const residents: ResidentAdapter[] = [];
  for (let index = 0; index < count; index++) {
    residents.push(await cache.acquire(`tenant-${index}`, async () => makeAdapter(config, index)));
  }
  return { cache, residents };
}

/** Its prompt layers are drawn too: tenants' adapters differ in them. */
export function makeAdapter({ width, layers }: EncoderConfig, index: number): Adapter {
  const { promptLayersEach, promptTokens, bottleneck, classes } = ADAPTER_SHAPE;
  const promptLayers = randomLayers(index, promptLayersEach, layers);
  return randomAdapter({ width, seed: index, classes, promptLayers, promptTokens, bottleneck });
}
