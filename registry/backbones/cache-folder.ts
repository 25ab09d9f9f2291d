// Where pulled backbones lie on this machine:
//
//   <cache>/backbones/<owner>--<name>/           complete and verified; appears by one rename
//       config.json  tokenizer.json  model.safetensors
//       backbone.json                            id, digest, source, size and sha256 of each file
//   <cache>/backbones/<owner>--<name>.partial/   a pull that goes on, or can be resumed
//   <cache>/backbones/<owner>--<name>.lock       held by the process that pulls
//   <cache>/backbones/<owner>--<name>/serving-…/ what a server made of it, see prepared.ts
//   <cache>/compiled/                            Node's compile cache
import { homedir } from "node:os";
import { join } from "node:path";

/** $SOFTGATE_CACHE, else the platform's user cache folder + "/softgate"; backbones are below "backbones/". */
export function backboneCacheFolder(): string {
  return join(cacheFolder(), "backbones");
}

/** Where Node keeps what it compiled of this program; Node itself keeps its versions apart. */
export function compileCacheFolder(): string {
  return join(cacheFolder(), "compiled");
}

function cacheFolder(): string {
  return process.env.SOFTGATE_CACHE || join(userCacheFolder(), "softgate");
}

/** Ids hold letters, digits, '.', '_', '-' and one '/' or '@' each, so two ids never share a folder. */
export function folderOfBackbone(id: string): string {
  return join(backboneCacheFolder(), id.replaceAll("/", "--"));
}

function userCacheFolder(): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  if (process.platform === "win32") return process.env.LOCALAPPDATA || join(homedir(), "AppData", "Local");
  return process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
}
