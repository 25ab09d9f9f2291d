// The wording of refusals: where (file, row, column), what, and the remedy, in one sentence.
import { TrainerError } from "../errors.ts";

export interface Place {
  readonly file: string;
  readonly row?: number;
  readonly column?: string;
}

/** A TrainerError invalid_dataset. `what` ends without a full stop and says how to repair it. */
export function refusal(at: Place, what: string, cause?: unknown): TrainerError {
  return new TrainerError("invalid_dataset", sentence(at, what), { at, cause });
}

/** A TrainerError dataset_too_large. `what` names the limit. */
export function tooLarge(at: Place, what: string): TrainerError {
  return new TrainerError("dataset_too_large", sentence(at, what), { at });
}

function sentence({ file, row, column }: Place, what: string): string {
  const rowPart = row === undefined ? "" : `, row ${row}`;
  const columnPart = column === undefined ? "" : `, column ${quoted(column)}`;
  return `${file}${rowPart}${columnPart}: ${what}.`;
}

const QUOTED_CHARACTERS_MAX = 40;
const LISTED_MAX = 8;

/** In quotes, on one line, and cut where it is long. */
export function quoted(text: string): string {
  const isLong = text.length > QUOTED_CHARACTERS_MAX;
  return JSON.stringify(isLong ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text);
}

/** The first names in quotes, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).map(quoted).join(", ");
  return names.length > LISTED_MAX ? `${shown} and ${names.length - LISTED_MAX} more` : shown;
}

/** 1234567 → "1,234,567", whatever the machine's language. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}
