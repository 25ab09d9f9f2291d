// A backbone as a function is assembled from: pulled and prepared by the command that does both, where that was not done.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface PullOptions {
  /** Of the repository. */
  readonly root: string;
  /** Or a folder; the default backbone without. */
  readonly id?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function pullPrepared({
  root,
  id,
  env,
}: PullOptions): Promise<{ backboneFolder: string; preparedFolder: string }> {
  const pull = ["backbone", "pull", ...(id === undefined ? [] : [id])];
  const args = [join(root, "cli/main.ts"), ...pull, "--prepare", "--precision", "int8", "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  const { folder, prepared } = JSON.parse(stdout);
  return { backboneFolder: folder, preparedFolder: prepared };
}
