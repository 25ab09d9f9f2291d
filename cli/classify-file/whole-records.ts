// How much of an output that was cut anywhere is whole records: what is written after them is written anew.
import { createReadStream } from "node:fs";

const LINE_FEED = 0x0a;
const QUOTE = 0x22;

export interface WholeRecords {
  /** The header among them. */
  readonly records: number;
  readonly bytes: number;
}

/** `hasQuotes`: whether a line feed within double quotes is a part of a record, as in CSV. */
export async function countWholeRecords(path: string, hasQuotes: boolean): Promise<WholeRecords> {
  let [records, bytes, offset] = [0, 0, 0];
  let isQuoted = false;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    for (const byte of piece) {
      offset += 1;
      if (hasQuotes && byte === QUOTE) isQuoted = !isQuoted;
      else if (byte === LINE_FEED && !isQuoted) {
        records += 1;
        bytes = offset;
      }
    }
  }
  return { records, bytes };
}
