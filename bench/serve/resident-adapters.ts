// Random adapters in a cache of their own, each a tenant's, held as if every one were in use.
import type { Adapter, Backbone, EncoderConfig } from "#model";
import { AdapterCache, type ResidentAdapter } from "#model/runtime";
import { settingsFor } from "#trainer";
import { randomAdapter, randomLayers } from "../random-adapter.ts";
import { templateOf } from "../template.ts";

export interface AdapterShape {
  readonly promptLayersEach: number;
  readonly pooling: "mean";
  readonly promptTokens: number;
  readonly bottleneck: number;
  readonly classes: number;
}

/** What every random adapter looks like: the most that plain SPT selects by default. */
export function adapterShape({ width, layers }: EncoderConfig): AdapterShape {
  const options = { seed: 0, method: "spt" } as const;
  const { shape, insertionsMax } = settingsFor(options, { examples: 128, width, layers });
  const { promptTokens, bottleneck } = shape;
  return { promptLayersEach: insertionsMax, pooling: "mean", promptTokens, bottleneck, classes: 8 };
}

/**
 * "spt": prompt generators at layers drawn by index; "scales": scales and shifts at every layer; "updates": low-rank
 * updates beside these, as the trainer has them of many rows.
 */
export type AdapterKind = "spt" | "scales" | "updates";

export interface ResidentAdapters {
  readonly cache: AdapterCache;
  /** Adapter i is makeAdapter(config, i, kind). */
  readonly residents: readonly ResidentAdapter[];
}

export async function residentAdapters(
  backbone: Backbone,
  count: number,
  kind: AdapterKind,
): Promise<ResidentAdapters> {
  const cache = new AdapterCache(backbone, Number.MAX_SAFE_INTEGER);
  const residents: ResidentAdapter[] = [];
  for (let index = 0; index < count; index++) {
    const load = async () => makeAdapter(backbone.config, index, kind);
    residents.push(await cache.acquire(`tenant-${index}`, load));
  }
  return { cache, residents };
}

export function makeAdapter(config: EncoderConfig, index: number, kind: AdapterKind): Adapter {
  const { promptLayersEach, ...shape } = adapterShape(config);
  const every = Array.from({ length: config.layers }, (_, layer) => layer);
  const places =
    kind === "spt"
      ? { promptLayers: randomLayers(index, promptLayersEach, config.layers), scaleShiftLayers: [] }
      : { promptLayers: [], scaleShiftLayers: every, lowRankLayers: kind === "updates" ? every : [] };
  const adapter = randomAdapter({ ...shape, ...places, width: config.width, seed: index });
  const template = templateOf(config);
  return template === undefined ? adapter : { ...adapter, template };
}
