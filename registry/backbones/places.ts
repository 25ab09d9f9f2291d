// The door for where this machine keeps backbones and the like, and nothing else.
export { cacheFolder } from "../cache-folder.ts";
export { folderOfBackbone } from "./cache-folder.ts";
export { DEFAULT_BACKBONE } from "./catalog.ts";
