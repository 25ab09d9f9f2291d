import { expect, it } from "vitest";
import { describeSuspects, describeWeakLabels } from "./describe-held-out.ts";

const label = (name: string, f1: number, support = 4) => ({
  ...{ label: name, f1, support, precision: f1, recall: f1 },
});
const suspect = (row: number) => ({ row, label: "refund", guess: "shipping", score: 0.9 });
const calibration = { errorBefore: 0, errorAfter: 0, bins: [] };

it("names the labels below the mean, the weakest first, with what they are taken for", () => {
  const perLabel = [label("a", 0.9), label("b", 0.5), label("c", 0.25), label("unseen", 0, 0)];
  const confusions = [
    { label: "c", answer: "a", count: 2 },
    { label: "c", answer: "b", count: 1 },
  ];
  const heldOut = { perLabel, confusions, calibration, suspects: [] };
  expect(describeWeakLabels(heldOut)).toBe("c (F1 25.0 %, most often taken for a); b (F1 50.0 %)");
  expect(describeWeakLabels({ ...heldOut, perLabel: [label("a", 1), label("b", 1)] })).toBeUndefined();
});

it("names the clearest suspects and counts the others", () => {
  const heldOut = { perLabel: [], confusions: [], calibration };
  const looks = (row: number) => `row ${row} (refund, looks like shipping)`;
  const five = [9, 4, 7, 2, 3].map(suspect);
  const words = `${looks(9)}, ${looks(4)}, ${looks(7)}, and 2 more`;
  expect(describeSuspects({ ...heldOut, suspects: five })).toBe(words);
  expect(describeSuspects({ ...heldOut, suspects: [suspect(5)] })).toBe(looks(5));
  expect(describeSuspects({ ...heldOut, suspects: [] })).toBeUndefined();
});
