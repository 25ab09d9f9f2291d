// Where frozen backbones come from: the catalog, the verified download, the user's cache folder.
// Node only (files, network).
export { backboneCacheFolder } from "./cache-folder.ts";
export { DEFAULT_BACKBONE } from "./catalog.ts";
export { loadBackbone, readBackboneFile } from "./load.ts";
export { keepPrepared, openPrepared, type Prepared } from "./prepared.ts";
export { listBackbones, type PullOptions, pullBackbone } from "./pull.ts";
export type { BackboneEntry } from "./record.ts";
export type { PullProgress } from "./source.ts";
