// Slabs hold all resident adapters; a pass reads a few. Feeds that are copied, as those of WebAssembly are, are cut down
// to the slots that the pass reads, and its indices say where these stand then. No result changes.
import { must } from "../graph/ops.ts";
import { NORM_SITES } from "../spt/adapter.ts";
import { layerInput, NORM_PARTS, POOLINGS } from "./serving-graph.ts";
import type { Feed } from "./session.ts";

type Feeds = Readonly<Record<string, Feed>>;

export function compactSlabs(feeds: Feeds, layers: number): Record<string, Feed> {
  const compact: Record<string, Feed> = { ...feeds };
  for (let layer = 0; layer < layers; layer++) {
    for (const pooling of POOLINGS) {
      cutDown(compact, {
        indices: [layerInput.adapter(layer, pooling)],
        tables: [layerInput.down, layerInput.up, layerInput.bias].map((name) => name(layer, pooling)),
      });
    }
    cutDown(compact, {
      // The last layer has no prompt tokens that go on.
      indices: [layerInput.normRows(layer), layerInput.queryNormRows(layer)].filter((name) => name in feeds),
      tables: NORM_SITES.flatMap((site) => NORM_PARTS.map((part) => layerInput.normTable(layer, site, part))),
      // Row 0 is the backbone's own, and the graph asks whether a pass has no other.
      keptFirst: [0],
    });
  }
  return compact;
}

interface Reading {
  /** Inputs of indices into the tables' first dimension. */
  readonly indices: readonly string[];
  readonly tables: readonly string[];
  readonly keptFirst?: readonly number[];
}

function cutDown(feeds: Record<string, Feed>, { indices, tables, keptFirst = [] }: Reading): void {
  const places = new Map<number, number>(keptFirst.map((slot, place) => [slot, place]));
  for (const name of indices) {
    const { data, shape } = must(feeds[name], name);
    const moved = Int32Array.from(data, (slot) => {
      const place = places.get(slot) ?? places.size;
      places.set(slot, place);
      return place;
    });
    feeds[name] = { data: moved, shape };
  }
  // A table of no rows is none to onnxruntime's Gather, whatever is asked of it.
  const slots = places.size === 0 ? [0] : [...places.keys()];
  for (const name of tables) feeds[name] = rowsOf(must(feeds[name], name), slots);
}

function rowsOf({ data, shape: [rows = 0, ...shape] }: Feed, slots: readonly number[]): Feed {
  const size = data.length / rows;
  const picked = new Float32Array(slots.length * size);
  for (const [place, slot] of slots.entries()) {
    picked.set(data.subarray(slot * size, (slot + 1) * size), place * size);
  }
  return { data: picked, shape: [slots.length, ...shape] };
}
