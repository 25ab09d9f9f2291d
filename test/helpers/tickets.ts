// Datasets that a tiny made-up backbone can learn: each label has words of its own.
import { createRandom } from "./random.ts";

const WORDS_BY_LABEL = {
  billing: ["refund", "money", "payment", "card", "invoice", "charge"],
  delivery: ["package", "delivery", "late", "lost", "ship", "box"],
  technical: ["app", "login", "password", "error", "crash", "screen"],
};
const OTHER_WORDS = ["i", "my", "the", "please", "help", "with", "is", "and", "today", "this"];

export interface Tickets {
  /** Sorted. */
  readonly labels: readonly string[];
  readonly rows: readonly { readonly text: string; readonly label: string }[];
  /** The rows with a heading. */
  readonly csv: string;
}

export function makeTickets({ seed, rowsPerLabel = 8 }: { seed: number; rowsPerLabel?: number }): Tickets {
  const random = createRandom(seed);
  const pick = (words: readonly string[]) => words[Math.floor(random.uniform() * words.length)];
  const rows = Object.entries(WORDS_BY_LABEL).flatMap(([label, words]) =>
    Array.from({ length: rowsPerLabel }, (_, row) => {
      const text = [pick(OTHER_WORDS), pick(words), pick(OTHER_WORDS), pick(words), pick(words), `${row}`];
      return { text: text.join(" "), label };
    }),
  );
  const lines = rows.map(({ text, label }) => `${text},${label}\n`);
  return { labels: Object.keys(WORDS_BY_LABEL), rows, csv: `text,label\n${lines.join("")}` };
}
