// Where frozen backbones come from: the catalog, the verified download, the user's cache folder.
// Node only (files, network).
export {
  type BackboneEntry,
  backboneCacheFolder,
  DEFAULT_BACKBONE,
  listBackbones,
  loadBackbone,
  pullBackbone,
} from "./pull.ts";
