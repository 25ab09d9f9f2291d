// The door for where backbones lie, and nothing else.
export { folderOfBackbone } from "./cache-folder.ts";
export { DEFAULT_BACKBONE } from "./catalog.ts";
