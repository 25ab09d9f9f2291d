// Where this machine keeps what can be made again.
import { homedir } from "node:os";
import { join } from "node:path";

/** The same rule as registry/cache-folder.ts: $SOFTGATE_CACHE, else the platform's folder for caches. */
export function cacheFolder() {
  if (process.env.SOFTGATE_CACHE) return process.env.SOFTGATE_CACHE;
  return join(userCacheFolder(), "softgate");
}

function userCacheFolder() {
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  if (process.platform === "win32") return process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  return process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
}
