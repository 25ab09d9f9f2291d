// Small files that were read a moment ago are read again at once, on the thread that asks: their bytes are in the system's
// memory, and the way through the thread pool takes ten times as long as reading them. Only on a file system of this
// machine: over a network a read may take any time, and nothing else would be answered meanwhile.
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { LRUCache } from "lru-cache";
import { RECENT_FILE_BYTES_MAX, RECENT_FILE_MS_MAX, RECENT_FILES_MAX } from "../limits.ts";

/** linux/magic.h: ext, XFS, Btrfs, tmpfs, overlay, F2FS, ZFS, bcachefs. Other systems number theirs otherwise. */
const LOCAL_TYPES: readonly number[] = [
  ...[0xef53, 0x58465342, 0x9123683e, 0x01021994],
  ...[0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e],
];

export class RecentFiles {
  readonly #root: string;
  // As a size: `max` would take the room of them all at once.
  readonly #readAtMs = new LRUCache<string, number>({ maxSize: RECENT_FILES_MAX, sizeCalculation: () => 1 });
  /** Undefined until a file was read, and the system has told. */
  #isLocal: boolean | undefined;
  #isAsked = false;

  constructor(root: string) {
    this.#root = root;
  }

  /** As readFileSync, errors too. Undefined where the thread pool must be asked. */
  read(path: string): Uint8Array | undefined {
    const readAtMs = this.#readAtMs.get(path);
    if (!this.#isLocal || readAtMs === undefined) return undefined;
    if (performance.now() - readAtMs > RECENT_FILE_MS_MAX) return undefined;
    return readFileSync(path);
  }

  /** After each read, of one that found nothing too: with 0. */
  note(path: string, bytes: number): void {
    if (bytes > RECENT_FILE_BYTES_MAX) this.#readAtMs.delete(path);
    else this.#readAtMs.set(path, performance.now());
    if (this.#isLocal !== undefined || this.#isAsked) return;
    this.#isAsked = true;
    statfs(this.#root).then(
      ({ type }) => {
        this.#isLocal = process.platform === "linux" && LOCAL_TYPES.includes(type);
      },
      // The folder is not made yet: asked again after another read.
      () => {
        this.#isAsked = false;
      },
    );
  }
}
