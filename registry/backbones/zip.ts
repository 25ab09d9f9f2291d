// Members of a zip archive as it streams by, so that archives larger than memory can be read.
import { Unzip, UnzipInflate } from "fflate";

export interface ZipPiece {
  /** Of the member, with its folders. */
  readonly name: string;
  /** Of the whole member; undefined where the archive does not say it beforehand. */
  readonly size: number | undefined;
  readonly bytes: Uint8Array;
}

/**
 * What the wanted members hold, piece by piece, in the order of the archive. Of bytes that are no zip archive: nothing;
 * of one that is cut: as much as there is. So the digests of what comes must be known.
 */
export async function* readZip(
  archive: AsyncIterable<Uint8Array>,
  isWanted: (name: string) => boolean,
): AsyncGenerator<ZipPiece> {
  const ready: ZipPiece[] = [];
  const unzip = new Unzip((member) => {
    if (!isWanted(member.name)) return;
    member.ondata = (error, bytes) => {
      if (error) throw error;
      ready.push({ name: member.name, size: member.originalSize, bytes });
    };
    member.start();
  });
  unzip.register(UnzipInflate);
  for await (const chunk of archive) {
    unzip.push(chunk);
    yield* ready.splice(0);
  }
}
