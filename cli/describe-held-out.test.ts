import { expect, it } from "vitest";
import { describeAdvice, describeSuspects } from "./describe-held-out.ts";

const suspect = (row: number) => ({ row, label: "refund", guess: "shipping", score: 0.9 });

it("gives the advice of the three labels that need examples most", () => {
  const advice = [1, 2, 3, 4].map((at) => ({
    ...{ label: `label ${at}`, examples: 4, f1: 0.5, reasons: [], message: `Add ${at}.` },
  }));
  expect(describeAdvice({ advice })).toEqual(["Add 1.", "Add 2.", "Add 3."]);
  expect(describeAdvice({ advice: [] })).toEqual([]);
});

it("names the clearest suspects and counts the others, those that the report leaves out too", () => {
  const looks = (row: number) => `row ${row} (refund, looks like shipping)`;
  const five = [9, 4, 7, 2, 3].map(suspect);
  const words = `${looks(9)}, ${looks(4)}, ${looks(7)}`;
  expect(describeSuspects({ suspects: five, suspectsFound: 5 })).toBe(`${words}, and 2 more`);
  expect(describeSuspects({ suspects: five, suspectsFound: 500 })).toBe(`${words}, and 497 more`);
  expect(describeSuspects({ suspects: [suspect(5)], suspectsFound: 1 })).toBe(looks(5));
  expect(describeSuspects({ suspects: [], suspectsFound: 0 })).toBeUndefined();
});
