// The frozen encoder over a tiny backbone of two layers, for the tests of one file.
import { type Backbone, parseBackbone } from "#model";
import { FrozenEncoder } from "#trainer";
import { makeTinyBackbone } from "./tiny-backbone.ts";

export async function openTinyFrozenEncoder(): Promise<{ backbone: Backbone; frozen: FrozenEncoder }> {
  const backbone = parseBackbone("tiny", makeTinyBackbone({ layers: 2 }));
  return { backbone, frozen: await FrozenEncoder.create(backbone, { threads: 1 }) };
}
