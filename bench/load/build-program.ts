// The program as images have it, which is how servers are started in earnest: `npm run build`, into another folder.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const BUILD = fileURLToPath(new URL("../../infra/bundle/main.ts", import.meta.url));

/** What Node is to run: startServerProcess's `main`. */
export async function buildProgram(folder: string): Promise<string> {
  await promisify(execFile)(process.execPath, [BUILD, "--out", folder]);
  return join(folder, "softgate.mjs");
}
