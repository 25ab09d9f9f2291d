// Node keeps what it compiled of this program, for the next start: in a folder of the user's own, since what lies there
// is run. The bootstrap says so to the programs that it starts; this is for those that it does not start.
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { cacheFolder } from "#registry/backbones/places";

/** Of what is imported from now on. NODE_COMPILE_CACHE names another folder, NODE_DISABLE_COMPILE_CACHE none. */
export function keepCompiled(): void {
  enableCompileCache(process.env.NODE_COMPILE_CACHE || join(cacheFolder(), "compiled"));
}
