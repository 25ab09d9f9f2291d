import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allElements, type Element, parseMarkup } from "../../test/helpers/parse-markup.ts";
import { makeReport } from "../../test/helpers/report.ts";
import { TrainerError } from "../errors.ts";
import type { TrainingReport } from "../report.ts";
import { parseReport, REPORT_PAGE_POLICY, renderReportPage } from "./index.ts";

const LABELS = ["billing", "bug", "shipping"];
const DIGEST = `sha256:${"a".repeat(64)}`;

function pageOf(report: TrainingReport, names: { name?: string; backbone?: string } = {}): string {
  const { name = "tickets", backbone = "tiny" } = names;
  return renderReportPage({
    ...{ name, version: 3, digest: DIGEST, createdAt: "2026-11-24T10:20:30.000Z", backbone, report },
  });
}

const elementsOf = (report: TrainingReport) => allElements(parseMarkup(pageOf(report)));
const tablesOf = (elements: readonly Element[]) => elements.filter(({ tag }) => tag === "table");
const cellsOf = (table: Element | undefined) =>
  (table ? allElements(table) : [])
    .filter(({ tag }) => tag === "tr")
    .map(({ children }) => children.map(({ text }) => text));

describe("the page", () => {
  it("is well-formed, and holds each label's figures in one row of its table", () => {
    const elements = elementsOf(makeReport(LABELS));
    expect(elements[0]?.tag).toBe("html");
    const rows = cellsOf(tablesOf(elements).find(({ text }) => text.includes("Recall: how many")));
    expect(rows).toEqual([
      ["Label", "Precision", "Recall", "F1", "Rows"],
      ["billing", "60.1 %", "70.1 %", "65.1 %", "20"],
      ["bug", "60.2 %", "70.2 %", "65.2 %", "21"],
      ["shipping", "60.3 %", "70.3 %", "65.3 %", "22"],
    ]);
  });

  it("holds every other figure: summary, matrix, reliability, suspects, candidates, losses, gates", () => {
    const elements = elementsOf(makeReport(LABELS));
    const rows = tablesOf(elements).flatMap(cellsOf);
    for (const row of [
      ["shipping", "3", "0", "17"],
      ["45.0 %", "40.0 %", "50"],
      ["100.0 %", "99.5 %", "200"],
      ["77", "billing", "shipping", "91.0 %"],
      ["shipping", "billing", "3"],
      ["none: the label words as they are", "–", "45.6 %", "43.2 %", "0.987", ""],
      ["none: the head alone", "–", "78.9 %", "78.0 %", "0.654", ""],
      ["scales and shifts at 0, 1, 2", "0.005", "81.1 %", "80.2 %", "0.543", "chosen"],
      ["96", "0.125"],
      ["30", "0.397", "0.497", "0.597"],
      ["retrain", "96", "0.125", "14.5"],
    ]) {
      expect(rows).toContainEqual(row);
    }
    const { text } = elements[0] ?? expect.unreachable();
    for (const said of [
      "81.3 %",
      "80.3 %",
      "12.3 %",
      "4.3 %",
      "95.2 %",
      "1.23",
      "0.987",
      "row 9 repeats row 2",
      "label words, in the order of the labels: billing, bug, shipping.",
      "{text} It was {mask} .",
    ])
      expect(text).toContain(said);
    expect(text).toContain("every example counts once");
    expect(text).toContain("The most accurate is chosen, of equals the one of least loss.");
  });

  it("says which candidate gives way only to what is clearly better", () => {
    const full = makeReport(LABELS);
    const candidates = full.candidates.map((candidate) =>
      candidate.insertions || candidate.labelWords ? candidate : { ...candidate, preferred: true as const },
    );
    const { text } = elementsOf({ ...full, candidates })[0] ?? expect.unreachable();
    expect(text).toContain(
      "“none: the head alone” gives way only to what is better by more than two standard errors",
    );
  });

  it("says what it leaves out: labels, rows that look mislabelled", () => {
    const full = makeReport(LABELS);
    const page = (report: TrainingReport) => elementsOf(report)[0]?.text;
    const some = page({ ...full, classes: 300, heldOut: { ...full.heldOut, suspectsFound: 40 } });
    expect(some).toContain("Of 300 labels, the 200 that are found the worst");
    expect(some).toContain("Of more than 24 labels");
    expect(some).toContain("The clearest 1 of 40 rows of the training file");
    expect(page(full)).not.toMatch(/Of more than|Of \d+ labels|The clearest/);
  });

  it("says that method spt always has prompts, whatever was more accurate", () => {
    const { text } = elementsOf({ ...makeReport(LABELS), method: "spt" })[0] ?? expect.unreachable();
    expect(text).toContain("always has prompts: the most accurate of what has some is chosen");
  });

  it("says where there was nothing to tell: no search, no threshold, no suspects, no warnings, no advice", () => {
    const full = makeReport(LABELS);
    const { outOfScope: _, ...heldOut } = { ...full.heldOut, suspects: [], confusions: [] };
    const empty = { ...full, gates: [], gateHistory: [], phases: [], advice: [], warnings: [], heldOut };
    const { text } = elementsOf(empty)[0] ?? expect.unreachable();
    for (const said of ["There was no search", "Too few rows were held out", "No label stands out", "None."])
      expect(text).toContain(said);
    expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/);
  });

  it("says of how many rows the examples were drawn, and that the file's warnings say so", () => {
    const message = "A training learns from 50,000 of the 200,000 examples.";
    const drawn = { examples: 50_000, sampledFrom: 200_000, warnings: [{ code: "rows_sampled", message }] };
    const report = parseReport(makeReport(LABELS, drawn as Partial<TrainingReport>));
    const { text } = elementsOf(report)[0] ?? expect.unreachable();
    expect(text).toContain("on 50,000 examples of 3 labels, drawn from 200,000, on the backbone");
    expect(text).toContain(message);
  });

  it("says how the rows were held out", () => {
    const report = makeReport(LABELS);
    const from = (how: TrainingReport["heldOut"]["from"]) =>
      elementsOf({ ...report, heldOut: { ...report.heldOut, from: how } })[0]?.text;
    expect(from("half_of_the_examples")).toContain("one half of the examples");
    expect(from("validation_file")).toContain("rows of the validation file");
  });

  it("loads nothing, runs nothing, and styles nothing but by its one stylesheet", () => {
    const page = pageOf(makeReport(LABELS));
    const elements = allElements(parseMarkup(page));
    expect(elements.map(({ tag }) => tag)).not.toContain("script");
    const names = new Set(elements.flatMap(({ attributes }) => Object.keys(attributes)));
    for (const name of ["src", "href", "style", "srcset", "action"]) expect([...names]).not.toContain(name);
    expect([...names].filter((name) => name.startsWith("on"))).toEqual([]);
    expect(page).not.toMatch(/url\(|https?:|@import/);
  });

  it("allows by its policy no other style than its own", async () => {
    const [style] = elementsOf(makeReport(LABELS)).filter(({ tag }) => tag === "style");
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style?.text));
    expect(REPORT_PAGE_POLICY).toContain(`'sha256-${Buffer.from(bytes).toString("base64")}'`);
    expect(REPORT_PAGE_POLICY).toContain("default-src 'none'");
  });

  it("names every plot and describes it, and heads every table's columns and rows", () => {
    const elements = elementsOf(makeReport(LABELS));
    const ids = elements.flatMap(({ attributes }) => (attributes.id === undefined ? [] : [attributes.id]));
    expect(new Set(ids).size).toBe(ids.length);
    const plots = elements.filter(({ tag }) => tag === "svg");
    // Matrix, reliability, gates of two kinds, loss.
    expect(plots).toHaveLength(5);
    for (const { attributes, children } of plots) {
      expect(attributes.role).toBe("img");
      const named = attributes["aria-labelledby"]?.split(" ") ?? [];
      expect(children.slice(0, 2).map(({ attributes: own }) => own.id)).toEqual(named);
      for (const { text } of children.slice(0, 2)) expect(text).not.toBe("");
    }
    for (const table of tablesOf(elements)) {
      expect(table.children[0]?.tag).toBe("caption");
      const heads = allElements(table).filter(({ tag }) => tag === "th");
      for (const { attributes } of heads) expect(attributes.scope).toMatch(/^(col|row)$/);
    }
  });
});

describe("any text of a user", () => {
  const hostile = fc.constantFrom(
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--><svg/onload=alert(1)>",
    "]]>&lt;b&gt;&amp;#x3c;",
    "\u0000\u001b[31m\ud800",
    "#{7*7}{{7*7}}",
    "</style><style>*{display:none}",
  );
  const text = fc.oneof(hostile, fc.string({ unit: "binary", maxLength: 30 }), fc.string({ maxLength: 100 }));
  const shapeOf = (page: string) =>
    allElements(parseMarkup(page)).map(({ tag, attributes }) => `${tag} ${Object.keys(attributes).join()}`);

  it("stays text: the page has the same tags and attributes whatever labels, messages and names say", () => {
    const plain = shapeOf(pageOf(makeReport(LABELS)));
    fc.assert(
      fc.property(fc.tuple(text, text, text), text, text, (labels, name, backbone) => {
        const page = pageOf(makeReport(labels), { name, backbone });
        expect(shapeOf(page)).toEqual(plain);
      }),
    );
  });

  it("is shown as it is", () => {
    const visible = fc.oneof(hostile, fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(visible, (label) => {
        const rows = tablesOf(elementsOf(makeReport(["other", label]))).flatMap(cellsOf);
        // What XML has no character for is shown as one that is missing.
        const shown = label
          .toWellFormed()
          .replaceAll(/(?![\t\n\r])\p{Cc}/gu, (control) => (control < " " ? "\ufffd" : control));
        expect(rows.map(([first]) => first)).toContain(shown);
      }),
    );
  });
});

describe("a stored report", () => {
  it("is read as it was written", () => {
    const report = makeReport(LABELS);
    expect(parseReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it.each([
    ["nothing", {}],
    ["one of another form", { ...makeReport(LABELS), heldOut: { perLabel: [] } }],
    ["one with a share above 1", { ...makeReport(LABELS), frozenProbe: { accuracy: 2, macroF1: 1, n: 1 } }],
  ])("that is %s is not found", (_, stored) => {
    expect(() => parseReport(stored)).toThrow(TrainerError);
    expect(() => parseReport(stored)).toThrow("Train it again");
  });
});
