import { expect, it } from "vitest";
import { makeReport } from "../test/helpers/report.ts";
import { describeReport } from "./describe-report.ts";

const LABELS = ["billing", "bug", "shipping"];

it("tells figures, advice, suspects and warnings, each on a line of its own", () => {
  const lines = describeReport(makeReport(LABELS), "tickets.csv").trimEnd().split("\n");
  expect(lines).toEqual([
    "  examples      250 of 3 labels",
    "  cut short     2 texts longer than the backbone reads; their start alone was learned",
    "  label names   learned too: by them alone 71.3 % of the examples are told apart, by the other examples 70.2 %",
    '  label words   billing, bug, shipping in "{text} It was {mask} ."',
    expect.stringMatching(/^ {2}insertions {4}/),
    "  trained       9999 numbers, 0.0 % of the backbone",
    "  held out      accuracy 81.1 % (125 rows of tickets.csv)",
    "  frozen probe  accuracy 78.9 % on the same rows, without insertions",
    "  each once     accuracy 81.3 %, every example held out once",
    "  calibration   scores are 4.3 % from the truth, 12.3 % without the temperature",
    "  out of scope  told of each text; at least 95.2 % of those in scope are expected to be kept",
    '  examples for  "shipping": it has only 7 examples. Add examples of "shipping".',
    "  look at       row 77 (billing, looks like shipping)",
    "  warnings      1 row repeats an earlier one, text and label: row 9 repeats row 2.",
    "  device        cpu",
    "  took          42.5 s",
  ]);
});

it("says of how many rows the examples were drawn", () => {
  const report = makeReport(LABELS, { examples: 50_000, sampledFrom: 200_000 });
  expect(describeReport(report, "a.csv")).toContain("  examples      50000 of 3 labels, drawn from 200000\n");
});

it("says that no text is out of scope where too few rows were held out", () => {
  const full = makeReport(LABELS);
  const { outOfScope: _, ...heldOut } = full.heldOut;
  expect(describeReport({ ...full, heldOut, warnings: [] }, "a.csv")).toContain(
    "never: too few held-out rows",
  );
});
