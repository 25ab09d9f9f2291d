// Where this machine keeps what it can fetch again: backbones and adapters' files.
import { homedir } from "node:os";
import { join } from "node:path";

/** $SOFTGATE_CACHE, else the platform's user cache folder + "/softgate". */
export function cacheFolder(): string {
  return process.env.SOFTGATE_CACHE || join(userCacheFolder(), "softgate");
}

/** Of copies of adapters' files, and of what a server remembers of them over a restart. */
export function adapterCacheFolder(): string {
  return join(cacheFolder(), "adapters");
}

function userCacheFolder(): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  if (process.platform === "win32") return process.env.LOCALAPPDATA || join(homedir(), "AppData", "Local");
  return process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
}
