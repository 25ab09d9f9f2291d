// A folder as a zip that Lambda takes. The same files give the same bytes: a deployment that changes nothing uploads nothing.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";

const UNIX = 3;
/** A plain file that everyone may read: Lambda runs functions as a user of their own. */
const READABLE = 0o100644 << 16;
/** The earliest that a zip can say. */
const MODIFIED_AT = new Date(1980, 0, 2);

/** Bytes of the zip. */
export async function zipFolder(
  folder: string,
  { paths, zipFile }: { paths: readonly string[]; zipFile: string },
): Promise<number> {
  const entries: Zippable = {};
  for (const path of paths) {
    const attributes = { mtime: MODIFIED_AT, os: UNIX, attrs: READABLE } as const;
    entries[path.replaceAll("\\", "/")] = [await readFile(join(folder, path)), attributes];
  }
  const zip = zipSync(entries, { level: 6 });
  await writeFile(zipFile, zip);
  return zip.byteLength;
}
