// Backbone and adapter → one ONNX file that needs nothing of Softgate: the tokenizer's arrays in, logits and
// probabilities out, and what is to be known of it in its metadata_props.
import type { Backbone } from "../backbone.ts";
import { ModelError } from "../errors.ts";
import { serializeInPieces } from "../graph/serialize.ts";
import type { Adapter } from "../spt/adapter.ts";
import { classifierGraph, tokensMaxOf } from "./classifier-graph.ts";

/** Protobuf's: no reader takes a message of 2 GiB or more. */
export const ONNX_BYTES_MAX = 2 ** 31 - 1;

/** What the file says of where it comes from. */
export interface ExportOrigin {
  readonly name: string;
  readonly version: number;
  /** Of the version's manifest. */
  readonly digest: string;
  /** Version of Softgate. */
  readonly softgate: string;
}

export interface OnnxFile {
  readonly bytes: number;
  /** To be written one after the other; views on the backbone's weights, which stay as they are. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * In fp32. Memory: no second copy of the backbone's weights is made.
 * Throws ModelError backbone_mismatch, invalid_adapter; export_too_large beyond `bytesMax`.
 */
export function exportOnnx(
  backbone: Backbone,
  adapter: Adapter,
  { origin, bytesMax = ONNX_BYTES_MAX }: { origin: ExportOrigin; bytesMax?: number },
): OnnxFile {
  const graph = classifierGraph(backbone, adapter);
  const file = serializeInPieces(graph, metadataOf(backbone, adapter, origin));
  if (file.bytes <= bytesMax) return file;
  throw new ModelError(
    "export_too_large",
    `As one ONNX file the adapter and its backbone take ${file.bytes} bytes; protobuf ends at ${bytesMax}. Export it with --format softgate, or train on a smaller backbone.`,
  );
}

function metadataOf(backbone: Backbone, adapter: Adapter, origin: ExportOrigin): Record<string, string> {
  const { labels, temperature, pairMode, template, outOfScope } = adapter;
  return {
    "softgate.format": "1",
    "softgate.version": origin.softgate,
    "softgate.adapter": `${origin.name}:${origin.version}`,
    "softgate.adapter_digest": origin.digest,
    "softgate.backbone": backbone.id,
    "softgate.backbone_digest": backbone.digest,
    "softgate.labels": JSON.stringify(labels),
    "softgate.max_length": `${tokensMaxOf(backbone)}`,
    "softgate.pair_mode": pairMode,
    "softgate.temperature": `${temperature}`,
    ...(template === undefined ? {} : { "softgate.template": template }),
    ...(outOfScope ? { "softgate.out_of_scope": JSON.stringify(outOfScope) } : {}),
  };
}
