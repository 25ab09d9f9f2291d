// What held-out rows told of an adapter, in words: where more examples would help, and which to look at.
import type { TrainingReport } from "#trainer/job";
import { percent } from "./output.ts";

const NAMED_MAX = 3;

type HeldOut = TrainingReport["heldOut"];

/** "refund (F1 42.0 %, often taken for shipping), …": labels of F1 below their mean, the weakest first. */
export function describeWeakLabels({ perLabel, confusions }: HeldOut): string | undefined {
  const held = perLabel.filter(({ support }) => support > 0);
  const mean = held.reduce((sum, { f1 }) => sum + f1, 0) / held.length;
  const weak = held
    .filter(({ f1 }) => f1 < mean)
    .toSorted((a, b) => a.f1 - b.f1)
    .slice(0, NAMED_MAX);
  const described = weak.map(({ label, f1 }) => {
    const taken = confusions.find((confusion) => confusion.label === label);
    return `${label} (F1 ${percent(f1)}${taken ? `, most often taken for ${taken.answer}` : ""})`;
  });
  return described.join("; ") || undefined;
}

/** "row 12 (refund, looks like shipping), …, and 4 more". */
export function describeSuspects({ suspects }: HeldOut): string | undefined {
  const named = suspects
    .slice(0, NAMED_MAX)
    .map(({ row, label, guess }) => `row ${row} (${label}, looks like ${guess})`);
  const rest = suspects.length - named.length;
  return [...named, ...(rest > 0 ? [`and ${rest} more`] : [])].join(", ") || undefined;
}
