// Profiles: servers and their keys by name, in one file that its owner alone may read.
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";

export const PROFILES_MAX = 100;
const PROFILES_FILE_BYTES_MAX = 256 * 1024;

const profilesSchema = z.strictObject({
  /** The one that is used where none is named. */
  current: z.string().exactOptional(),
  profiles: z.record(z.string(), z.strictObject({ server: z.string(), key: z.string() })),
});

export type Profiles = z.infer<typeof profilesSchema>;

/** In the folder SOFTGATE_CONFIG; default softgate in the user's folder for configuration. */
export function profilesFile({ env }: Pick<Io, "env">): string {
  const folder = env.SOFTGATE_CONFIG || join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "softgate");
  return join(folder, "profiles.json");
}

/** None where there is no file. Throws CliError profiles_unreadable: also where others may read the file. */
export async function readProfiles(io: Pick<Io, "env">): Promise<Profiles> {
  const path = profilesFile(io);
  const found = await stat(path).catch(() => undefined);
  if (!found) return { profiles: {} };
  if (process.platform !== "win32" && (found.mode & 0o077) !== 0) {
    throw new CliError("profiles_unreadable", `Others may read ${path}, which has keys: chmod 600 ${path}`);
  }
  try {
    if (found.size > PROFILES_FILE_BYTES_MAX) throw new Error("it is too large");
    return profilesSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const message = `${path} is not as softgate profiles writes it: mend it, or remove it.`;
    throw new CliError("profiles_unreadable", message, cause);
  }
}

/** Whole or not at all, and never readable by others. */
export async function writeProfiles(io: Pick<Io, "env">, profiles: Profiles): Promise<void> {
  const path = profilesFile(io);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
