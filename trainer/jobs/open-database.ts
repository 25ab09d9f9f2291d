// Where the job database is: a Postgres server's where there is a URL, else the embedded one in a folder.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { JobDatabase } from "./database.ts";

/** Of a Postgres server, or a folder of the embedded one; "memory" is forgotten at the end. */
export type JobPlace = { readonly databaseUrl: string } | { readonly folder: string } | "memory";

/** Throws TrainerError jobs_unavailable. Loaded late: who has no jobs needs neither. */
export async function openDatabase(place: JobPlace): Promise<JobDatabase> {
  if (place === "memory" || "folder" in place) {
    const { openEmbedded } = await import("./embedded.ts");
    return openEmbedded(place);
  }
  const { openPostgres } = await import("./postgres.ts");
  return openPostgres(place.databaseUrl);
}

/** Whether jobs of an earlier process may be there. */
export function mayHaveJobs(place: JobPlace): boolean {
  return place !== "memory" && ("databaseUrl" in place || existsSync(place.folder));
}

/** What is given decides; else it is where the store is: beside a folder, or in the user's folder for data. */
export function jobPlaceOf(
  storeUrl: string,
  given: { readonly databaseUrl?: string | undefined; readonly dataFolder?: string | undefined },
): JobPlace {
  if (given.databaseUrl) return { databaseUrl: given.databaseUrl };
  if (given.dataFolder) return { folder: join(given.dataFolder, "jobs") };
  if (storeUrl === "memory:") return "memory";
  const path = /^file:(.+)$/.exec(storeUrl)?.[1];
  if (path !== undefined) return { folder: `${path.replace(/[/\\]+$/, "")}.jobs` };
  const store = createHash("sha256").update(storeUrl).digest("hex").slice(0, 16);
  return { folder: join(userDataFolder(), "softgate", "jobs", store) };
}

function userDataFolder(): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support");
  if (process.platform === "win32") return process.env.APPDATA || join(homedir(), "AppData", "Roaming");
  return process.env.XDG_DATA_HOME || join(homedir(), ".local", "share");
}
