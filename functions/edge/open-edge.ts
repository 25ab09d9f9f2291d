// What stands around a classifier at the edge: the store is a bucket's binding, the backbone lies in it, and nothing is
// trained. Wiring only.
import { createEdgeClassifier, parseEdgeBackbone } from "#model/runtime/edge";
import { createRegistry, R2BindingStore, readStoredBackbone } from "#registry";
import { createApp } from "../app.ts";
import { checkOn } from "../check-adapter.ts";
import { NO_TRAINER } from "../no-trainer.ts";
import type { EdgeSettings } from "./settings.ts";

/** Of any request: a Worker has little memory, and the backbone is in it already. */
export const EDGE_BODY_BYTES_MAX = 4 * 1024 * 1024;

export interface EdgeOptions {
  readonly settings: EdgeSettings;
  /** onnxruntime, compiled. */
  readonly wasm: WebAssembly.Module;
  readonly log: (event: Record<string, unknown>) => void;
}

/** Rejects with RegistryError backbone_not_found, backbone_corrupt, store_unreachable; ModelError invalid_backbone. */
export async function openEdge({ settings, wasm, log }: EdgeOptions) {
  const store = new R2BindingStore(settings.bucket);
  const backbone = parseEdgeBackbone(await readStoredBackbone(store, settings.backboneId));
  const { id, digest, config, int8Digest } = backbone;
  const classifier = await createEdgeClassifier(backbone, wasm);
  // The first passes of a program in WebAssembly are slow: not those of a request.
  await classifier.probe();
  const registry = createRegistry({ store, checkAdapter: checkOn(digest, config) });
  const held = { id, digest, int8Digest };
  const services = { registry, classifier, jobs: NO_TRAINER, backbone: held, log };
  log({ event: "started", store: store.description, backbone: held, precision: classifier.precision });
  return {
    app: createApp(services, { bodyBytesMax: EDGE_BODY_BYTES_MAX, corsOrigins: settings.corsOrigins }),
    classifier,
  };
}
