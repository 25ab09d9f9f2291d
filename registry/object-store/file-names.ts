// Keys ↔ paths, and walking a folder in the order of its keys. Upper-case letters, ":", a final "." and
// Windows' device names are written as %XX, so that no two keys meet in one file on any file system.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "./file-errors.ts";
import { isAfter, type ListScope } from "./page.ts";

const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/;

export function encodePath(key: string): string {
  return join(...key.split("/").map(encodeSegment));
}

function encodeSegment(segment: string): string {
  return segment
    .replace(DEVICE_NAME, (name) => `${percentOf(name.charAt(0))}${name.slice(1)}`)
    .replace(/[A-Z:]|\.$/g, percentOf);
}

function percentOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Keys in order, and groups that end with "/" where the scope has a delimiter. Reads only what it must. */
export async function* walkFolder(root: string, scope: ListScope): AsyncGenerator<string> {
  const path = scope.prefix.slice(0, scope.prefix.lastIndexOf("/") + 1);
  yield* walk({ folder: join(root, encodePath(path)), path }, scope);
}

interface Place {
  readonly folder: string;
  /** The part of the keys that the folder stands for: "" or "a/b/". */
  readonly path: string;
}

async function* walk(place: Place, scope: ListScope): AsyncGenerator<string> {
  for (const entry of await readEntries(place)) {
    const { path } = entry;
    if (!path.endsWith("/")) {
      if (path.startsWith(scope.prefix) && isAfter(path, scope.after)) yield path;
    } else if (isGroup(path, scope)) {
      if (isAfter(path, scope.after) && (await holdsKey(entry))) yield path;
    } else if (mayHold(path, scope)) {
      yield* walk(entry, scope);
    }
  }
}

/** Sorted as their keys are: a folder counts with its "/". */
async function readEntries({ folder, path }: Place): Promise<Place[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith("%aside") && !name.startsWith("%locks"))
      .map((entry) => ({
        folder: join(folder, entry.name),
        path: `${path}${decodeName(entry.name)}${entry.isDirectory() ? "/" : ""}`,
      }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** A file that is nobody's object may have any name. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isGroup(path: string, { prefix, delimiter }: ListScope): boolean {
  return delimiter !== undefined && path.startsWith(prefix) && path.length > prefix.length;
}

function mayHold(path: string, { prefix, after }: ListScope): boolean {
  const isInScope = path.startsWith(prefix) || prefix.startsWith(path);
  return isInScope && (isAfter(path, after) || (after !== path && after?.startsWith(path) === true));
}

/** Folders stay when their last key is deleted. */
async function holdsKey(place: Place): Promise<boolean> {
  for await (const _key of walk(place, { prefix: place.path })) return true;
  return false;
}
