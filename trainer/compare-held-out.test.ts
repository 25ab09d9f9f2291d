import { describe, expect, it } from "vitest";
import { compareHeldOut } from "./compare-held-out.ts";

/** Logits whose largest is of these classes, of two. */
const answers = (...classes: number[]) =>
  Float32Array.from(classes.flatMap((one) => (one === 0 ? [2, 1] : [1, 2])));

const rows = { version: 3, labels: [0, 1, 0, 1], classes: ["no", "yes"] };

describe("a comparison", () => {
  it("gives both figures of the same rows, and those of feedback apart", () => {
    const compared = compareHeldOut(
      { candidate: answers(0, 1, 0, 0), production: answers(0, 1, 1, 0) },
      { ...rows, isFeedback: [false, false, true, true] },
    );
    expect(compared).toMatchObject({
      ...{ version: 3, n: 4 },
      candidate: { accuracy: 0.75 },
      production: { accuracy: 0.5 },
      onFeedback: { n: 2, candidate: 0.5, production: 0 },
    });
  });

  it("says in words that the version itself was not asked", () => {
    const logits = { candidate: answers(0, 1, 0, 1), production: answers(0, 1, 0, 1) };
    const { how, onFeedback } = compareHeldOut(logits, { ...rows, isFeedback: [false, false, false, false] });
    expect(how).toContain("Version 3 itself was not asked");
    expect(onFeedback).toBeUndefined();
  });
});
