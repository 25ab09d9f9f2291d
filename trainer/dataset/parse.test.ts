import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf } from "../../test/helpers/cpu-time.ts";
import { TrainerError } from "../errors.ts";
import { DATASET_BYTES_MAX, DATASET_ROWS_MAX, TEXT_CHARACTERS_MAX } from "./dataset.ts";
import { type ParseOptions, parseDataset } from "./parse.ts";

const csv = { fileName: "reviews.csv", mediaType: "text/csv" } as const;
const ndjson = { fileName: "reviews.ndjson", mediaType: "application/x-ndjson" } as const;
/** Of a test with a file of many megabytes, however busy the machine is. */
const LARGE_MS_MAX = 180_000;
/** Four examples of each of two labels: rows 2 to 9. */
const base = Array.from({ length: 8 }, (_, index) => `text ${index},${index < 4 ? "good" : "bad"}`);
const table = (...rows: string[]) => `text,label\n${rows.join("\n")}`;
const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");

function parse(content: string | Uint8Array, options: Partial<ParseOptions> = {}) {
  return parseDataset(typeof content === "string" ? Buffer.from(content) : content, { ...csv, ...options });
}

async function refused(
  content: string | Uint8Array,
  options: Partial<ParseOptions> = {},
): Promise<TrainerError> {
  try {
    await parse(content, options);
  } catch (error) {
    if (error instanceof TrainerError) return error;
    throw error;
  }
  throw new Error("the dataset was accepted");
}

type Refusal = [
  what: string,
  content: string | Uint8Array,
  row: number | undefined,
  column: string | undefined,
  says: string,
];

const csvRefusals: Refusal[] = [
  ["an empty file", "", undefined, undefined, "the file is empty"],
  ["blank lines only", "\n\r\n", undefined, undefined, "the file is empty"],
  ["a header only", "text,label\n", 1, undefined, "no examples"],
  ["a missing column", "text,stars\na,b", 1, undefined, 'column "label" missing, found "text", "stars"'],
  [
    "several columns that could be it",
    "Question,Answer type,Topic,Intent,Body\na,b,c,d,e",
    1,
    undefined,
    'rename "Question" or "Body" to "text" and rename "Topic" or "Intent" to "label"',
  ],
  ["no header", "lovely,good", 1, undefined, 'found "lovely", "good"; name the columns'],
  ["a column named twice", "text,label,TEXT\na,b,c", 1, "text", "twice"],
  ["JSON lines", lines({ text: "a", label: "b" }), 1, undefined, "looks like JSON lines, not CSV"],
  ["a JSON array", '[\n  {"text":"a"}]', 1, undefined, "looks like a JSON array, not CSV"],
  ["an empty text", table(...base, " ,good"), 10, "text", "the text is empty"],
  ["an empty second text", "text,label,text_pair\na,good, ", 2, "text_pair", "the text is empty"],
  ["an empty label", table(...base, "more, "), 10, "label", "the label is empty"],
  ["a single label", table(...base.slice(0, 4)), undefined, "label", 'every example has the label "good"'],
  [
    "a rare label",
    table(...base, "rare one,odd", "rare two,odd"),
    10,
    "label",
    'the label "odd" has 2 examples and needs at least 4; add more or delete its rows',
  ],
  [
    "several rare labels",
    table(...base, "rare one,odd", "rare two,odd", "rare three,odder"),
    10,
    "label",
    'the label "odd" has 2 examples and needs at least 4; so do "odder" (1)',
  ],
  [
    "many rare labels",
    table(...base, ...Array.from({ length: 15 }, (_, index) => `rare,label${index}`)),
    10,
    "label",
    '"label5" (1), 4 more; add more of each or delete their rows',
  ],
  ["a quote never closed", table(...base, '"open,good', "more,bad"), 10, "text", "never closed"],
  [
    "a quote never closed in a large file",
    `text,label\n"open,good\n${"more,bad\n".repeat(150_000)}`,
    2,
    "text",
    "never closed",
  ],
  [
    "a bare quote in a large file",
    table('5" wide,good', `${"more ".repeat(2 ** 19)},bad`),
    2,
    "text",
    "inside an unquoted field",
  ],
  ["a quote in a bare field", table(...base, 'more,go"od'), 10, "label", "inside an unquoted field"],
  ["a quote not doubled", table(...base, '"a "b" c",good'), 10, "text", "ends inside the field"],
  ["a field too many", table(...base, "more,good,extra"), 10, undefined, "3 fields where the header has 2"],
  ["a field too few", table(...base, "more"), 10, undefined, "1 field where the header has 2"],
  ["too long a text", table(`${"x".repeat(TEXT_CHARACTERS_MAX + 1)},good`), 2, "text", "20,001 characters"],
  ["too long a label", table(`a,${"x".repeat(101)}`), 2, "label", "101 characters"],
  ["too long a row", table(`${"x".repeat(2 ** 21)},good`), 2, undefined, "longer than 1024 KiB"],
  ["a control character in a label", table("a,go\u0007od"), 2, "label", "control character"],
  ["a line break in a label", table('a,"go\nod"'), 2, "label", "line break"],
  [
    "Latin-1",
    Buffer.from(table(...base, "caf\u00e9,good"), "latin1"),
    10,
    undefined,
    "save the file as UTF-8",
  ],
  [
    "UTF-16 cut short",
    Buffer.from(`\ufeff${table(...base)}`, "utf16le").subarray(0, -1),
    undefined,
    undefined,
    "UTF-16 but is cut short or damaged",
  ],
  ["NUL bytes", table("a\0b,good"), undefined, undefined, "byte 12 is NUL"],
  [
    "a workbook",
    Buffer.from("PK\u0003\u0004zip"),
    undefined,
    undefined,
    "Excel workbook (.xlsx); export the data as CSV",
  ],
  ["gzip", Buffer.from([0x1f, 0x8b, 8]), undefined, undefined, "a gzip file"],
  ["Parquet", Buffer.from("PAR1.."), undefined, undefined, "a Parquet file"],
  ["PDF", Buffer.from("%PDF-1.7"), undefined, undefined, "a PDF document"],
];

const ndjsonRefusals: Refusal[] = [
  ["an empty file", "\n", undefined, undefined, "the file is empty"],
  ["a line that is not JSON", `${lines({ text: "a", label: "b" })}\n\n{`, 3, undefined, "not JSON"],
  ["an array", '[{"text":"a","label":"b"}]', 1, undefined, "an array"],
  ["null", "null", 1, undefined, "null"],
  ["a missing name", lines({ text: "a", stars: "b" }), 1, undefined, 'column "label" missing'],
  [
    "a name that the first row has",
    lines({ sentence: "a", label: "b" }, { text: "a", label: "b" }),
    2,
    "sentence",
    "missing here but given in the first row",
  ],
  ["a fraction as label", lines({ text: "a", label: 3.5 }), 1, "label", "of type number"],
  ["a number as text", lines({ text: 3, label: "b" }), 1, "text", "of type number"],
  ["half a surrogate pair", '{"text":"\\ud800","label":"b"}', 1, "text", "surrogate"],
  [
    "a pair in some rows only",
    lines({ text: "a", label: "b" }, { text: "a", text_pair: "c", label: "b" }),
    2,
    "text_pair",
    "in every row or in none",
  ],
  ["a line too long", lines({ text: "x".repeat(2 ** 21), label: "b" }), 1, undefined, "longer than 1024 KiB"],
  [
    "bytes that are not UTF-8",
    Buffer.from('{"text":"a","label":"b"}\n"\n\u00e9', "latin1"),
    3,
    undefined,
    "0xe9",
  ],
];

describe.each([
  { format: csv, refusals: csvRefusals },
  { format: ndjson, refusals: ndjsonRefusals },
])("refusals of $format.mediaType", ({ format, refusals }) => {
  it.each(refusals)("%s", async (_, content, row, column, says) => {
    const error = await refused(content, format);
    expect(error.code).toBe("invalid_dataset");
    expect(error.at).toEqual({ file: format.fileName, row, column });
    expect(error.publicMessage).toContain(says);
    expect(error.publicMessage).toMatch(row ? `${format.fileName}, row ${row}` : format.fileName);
    expect(error.publicMessage).toMatch(/^[^\n]*[^.]\.$/);
  });
});

describe("limits", () => {
  it("refuses JSON lines that name ever other values, before their names fill memory", async () => {
    const row = (index: number) =>
      JSON.stringify({ text: `text ${index}`, label: "a", [`${index} ${"x".repeat(10_000)}`]: 1 });
    const lines = Array.from({ length: 200 }, (_, index) => row(index)).join("\n");
    const ndjson = { fileName: "a.ndjson", mediaType: "application/x-ndjson", forTraining: false } as const;
    const error = await refused(lines, ndjson);
    expect(error.publicMessage).toMatch(/^a\.ndjson, row 100: .*too many different values/);
  });

  it("names the limit of a file too large", async () => {
    const error = await refused(new Uint8Array(DATASET_BYTES_MAX + 1));
    expect([error.code, error.publicMessage]).toEqual([
      "dataset_too_large",
      expect.stringContaining("1024 MiB"),
    ]);
  });

  it(
    "names the row of the first example too many",
    async () => {
      const error = await refused(`text,label\n${"same,a\n".repeat(DATASET_ROWS_MAX + 1)}`);
      expect(error.code).toBe("dataset_too_large");
      expect(error.at).toEqual({ file: "reviews.csv", row: DATASET_ROWS_MAX + 2 });
    },
    LARGE_MS_MAX,
  );

  it("takes a thousand labels, and takes more for a swapped column", async () => {
    const rows = (count: number) =>
      Array.from({ length: count * 4 }, (_, index) => `t${index},l${index % count}`);
    expect((await parse(table(...rows(1_000)))).labels).toHaveLength(1_000);
    expect((await refused(table(...rows(1_001)))).publicMessage).toContain(
      "1,001 different labels in 4,004 examples",
    );
  });

  it(
    "reads 60 MiB in seconds",
    async () => {
      const group = "ab"
        .repeat(2)
        .split("")
        .map((label) => `"${'word, ""word"" and '.repeat(17)}",${label}\n`);
      const content = Buffer.from(`text,label\n${group.join("").repeat(48_000)}`);
      expect(content.length).toBeGreaterThan(60 * 2 ** 20);
      const takenMs = await cpuMsOf(async () => {
        expect((await parse(content, { forTraining: false })).examples).toHaveLength(192_000);
      });
      expect(takenMs).toBeLessThan(20_000);
    },
    LARGE_MS_MAX,
  );

  it(
    "texts of the same great length are not compared each with all others",
    async () => {
      const duration = async (characters: number) => {
        const row = (_: unknown, index: number) => `${"x".repeat(characters)}${index},l${index % 2}`;
        const content = Buffer.from(table(...Array.from({ length: 5e7 / characters }, row)));
        return cpuMsOf(() => parse(content));
      };
      expect(await duration(19_900)).toBeLessThan(3 * (await duration(2_000)));
    },
    LARGE_MS_MAX,
  );

  it.each([",", "\n", '"",', '"'])(
    "a file of nothing but %j is refused without its fields being kept",
    async (piece) => {
      expect((await refused(Buffer.alloc(64 * 2 ** 20, piece))).code).toBe("invalid_dataset");
    },
    LARGE_MS_MAX,
  );
});

describe("what is accepted", () => {
  it("takes whole numbers and booleans as labels of JSON lines, as Parquet files have them", async () => {
    const rows = [0, 1, true, "0"].map((label, index) => ({ text: `text ${index}`, label }));
    const { labels, examples } = await parse(lines(...rows), { ...ndjson, forTraining: false });
    expect(labels).toEqual(["0", "1", "true"]);
    expect(examples.map(({ label }) => label)).toEqual([0, 1, 2, 0]);
  });

  it("numbers rows as a spreadsheet does", async () => {
    const { examples } = await parse(`Text , LABEL\r\n"two\r\nlines",good\r\n\r\nplain,good\r\n`, {
      forTraining: false,
    });
    expect(examples).toEqual([
      { input: "two\r\nlines", label: 0, row: 2 },
      { input: "plain", label: 0, row: 4 },
    ]);
  });

  it.each([
    [";", "a text, with commas"],
    ["\t", "commas, and; semicolons"],
    ["|", "all, of; them\tbut one"],
  ])("fields separated by %j, as the header has them", async (delimiter, text) => {
    const rows = [...base.map((row) => row.split(",")), [text, "good"]];
    const content = [["text", "label"], ...rows].map((fields) => fields.join(delimiter)).join("\n");
    expect((await parse(content)).examples.at(-1)).toMatchObject({ input: text, row: 10 });
  });

  it("a header of quoted names, separators within", async () => {
    const content = `"text";"label";"a,b"\n${base.map((row) => `${row.replace(",", ";")};x`).join("\n")}`;
    expect((await parse(content)).examples).toHaveLength(8);
  });

  it.each(["utf-16le", "utf-16be"])("%s, with a mark or without", async (encoding) => {
    const encode = (text: string) => {
      const bytes = Buffer.from(text, "utf16le");
      return encoding === "utf-16le" ? bytes : bytes.swap16();
    };
    const content = table(...base, "größer 😀,good");
    for (const mark of ["", "\ufeff"]) {
      expect((await parse(encode(mark + content))).examples).toEqual((await parse(content)).examples);
    }
  });

  it("columns by their usual names, letters of any case", async () => {
    const rows = base.map((row) => `0,${row}`).join("\n");
    const { examples, warnings } = await parse(`id,Utterance,INTENT\n${rows}`);
    expect(examples).toEqual((await parse(table(...base))).examples);
    expect(warnings.map(({ code, message }) => [code, message])).toContainEqual([
      "columns_guessed",
      'Columns read by their usual names: "Utterance" as text, "INTENT" as label.',
    ]);
    const pairs = base.map((row) => `one,${row}`).join("\n");
    expect((await parse(`premise,hypothesis,label\n${pairs}`)).examples[0]?.input).toEqual({
      ...{ text: "one", textPair: "text 0" },
    });
  });

  describe("columns that are named", () => {
    const named = { text: "frage", label: "y2" };
    const rows = base.map((row) => `0,${row},x,y`);
    const content = ["id,frage,y2,text,label", ...rows].join("\n");

    it("are read, others of the usual names are not, and nothing is called guessed", async () => {
      const { examples, columns, warnings } = await parse(content, { columns: named });
      expect(examples).toEqual((await parse(table(...base))).examples);
      expect(columns).toEqual(named);
      expect(warnings.map(({ code }) => code)).toEqual(["small_class", "extra_columns"].reverse());
    });

    it("leave the others to be guessed, and pairs out where the text is named without a second", async () => {
      const pairs = ["premise,hypothesis,label", ...base.map((row) => `one,${row}`)].join("\n");
      const whole = await parse(pairs);
      expect(whole.columns).toEqual({ text: "premise", textPair: "hypothesis", label: "label" });
      const again = await parse(pairs, { columns: whole.columns });
      expect(again.examples).toEqual(whole.examples);
      const single = await parse(pairs, { columns: { text: "hypothesis" } });
      expect(single.columns).toEqual({ text: "hypothesis", label: "label" });
      expect(single.examples[3]?.input).toBe("text 3");
      const swapped = await parse(pairs, { columns: { text: "hypothesis", textPair: "premise" } });
      expect(swapped.examples[3]?.input).toEqual({ text: "text 3", textPair: "one" });
    });

    it("are read from JSON lines too, where other rows may have a text_pair", async () => {
      const values = [
        { q: "a", label: "x" },
        { q: "b", label: "y", text_pair: "c" },
      ];
      const { examples } = await parse(lines(...values), {
        ...ndjson,
        ...{ columns: { text: "q" }, forTraining: false },
      });
      expect(examples.map(({ input }) => input)).toEqual(["a", "b"]);
    });

    it.each([
      [
        { text: "Frage" },
        undefined,
        'no column "Frage" to read as text; the columns are "id", "frage", "y2"',
      ],
      [{ textPair: "b" }, undefined, 'no column "b" to read as text_pair'],
      [{ text: "y2", label: "y2" }, "y2", "named both as text and as label; name two columns"],
    ])("%j is refused with the columns there are", async (columns, column, says) => {
      const error = await refused(content, { columns });
      expect(error.code).toBe("invalid_dataset");
      expect(error.at).toEqual({ file: "reviews.csv", row: 1, column });
      expect(error.publicMessage).toContain(says);
    });

    it("must be one column each", async () => {
      const twice = ["a,a,label", ...base.map((row) => `0,${row}`)].join("\n");
      expect((await refused(twice, { columns: { text: "a" } })).publicMessage).toContain("twice");
    });

    it("that are missing are asked for by name", async () => {
      expect((await refused("a,b\nc,d")).publicMessage).toContain(
        "or say which column is the text and which the label.",
      );
    });
  });

  it("reads pairs in both formats alike", async () => {
    const fromCsv = await parse("label,text_pair,text\ny,b,a\nx,d,c\n", { forTraining: false });
    const fromNdjson = await parse(
      lines({ text: "a", label: "y", text_pair: "b" }, { text: "c", text_pair: "d", label: "x" }),
      { ...ndjson, forTraining: false },
    );
    expect(fromCsv.examples.map(({ input, label }) => ({ input, label }))).toEqual([
      { input: { text: "a", textPair: "b" }, label: 1 },
      { input: { text: "c", textPair: "d" }, label: 0 },
    ]);
    expect(fromNdjson.examples.map(({ row }) => row)).toEqual([1, 2]);
    expect(fromNdjson.examples.map(({ input }) => input)).toEqual(fromCsv.examples.map(({ input }) => input));
  });

  it("keeps pairs apart that join to the same text", async () => {
    const pairs = "text,text_pair,label\na,bc,x\nab,c,y\n";
    expect((await refused(pairs)).publicMessage).toContain("has 1 example");
  });

  it("sorts labels by code point and takes names of object members as labels", async () => {
    const labels = ["__proto__", "constructor", "\u{1f600}", "\uff5e", "B", "a"];
    const { labels: sorted, examples } = await parse(table(...labels.map((label) => `text,${label}`)), {
      forTraining: false,
    });
    expect(sorted).toEqual(["B", "__proto__", "a", "constructor", "\uff5e", "\u{1f600}"]);
    expect(examples.map(({ label }) => sorted[label])).toEqual(labels);
  });

  it("a test file may have one label, rare labels and conflicting labels", async () => {
    expect((await parse(table("a,x", "a,y"), { forTraining: false })).warnings).toEqual([]);
  });
});

describe("warnings", () => {
  const warn = async (content: string) =>
    (await parse(content)).warnings.map(({ code, rows }) => [code, rows]);
  const many = Array.from({ length: 16 }, (_, index) => `text ${index},${index % 2 ? "good" : "bad"}`);

  it("none for a clean file", async () => expect(await warn(table(...many))).toEqual([]));
  it("byte_order_mark", async () =>
    expect(await warn(`\ufeff${table(...many)}`)).toEqual([["byte_order_mark", undefined]]));
  it("labels_trimmed", async () =>
    expect(await warn(table(...many, "more, good "))).toEqual([["labels_trimmed", [18]]]));
  it("duplicate_rows", async () =>
    expect(await warn(table(...many, "text 0,bad"))).toEqual([["duplicate_rows", [18]]]));
  it("duplicate_rows name both rows of each pair", async () => {
    const [warning] = (await parse(table(...many, ...many.slice(0, 12)))).warnings;
    expect(warning?.message).toBe(
      "12 rows repeat an earlier one, text and label: row 18 repeats row 2, row 19 repeats row 3, row 20 repeats row 4, and 9 more.",
    );
    expect(warning?.rows).toHaveLength(10);
    expect(warning?.pairs).toHaveLength(10);
    expect(warning?.pairs?.[0]).toEqual([2, 18]);
  });
  it("conflicting_labels: the same text under another label, all rows learned, both rows and labels named", async () => {
    const { warnings, examples } = await parse(table(...many, "text 0,good", "text 0,good"));
    expect(examples).toHaveLength(18);
    expect(warnings).toEqual([
      {
        code: "conflicting_labels",
        message:
          '2 rows have the texts of earlier ones and other labels: row 18 says "good" and row 2 "bad", row 19 says "good" and row 2 "bad".',
        rows: [18, 19],
        pairs: [
          [2, 18],
          [2, 19],
        ],
      },
    ]);
  });
  it("similar_rows_conflict: the same words under another label, both rows and labels named", async () => {
    const { warnings } = await parse(table(...many, '"  Text, 0!",good', "TEXT 2,bad"));
    expect(warnings).toEqual([
      {
        code: "similar_rows_conflict",
        message:
          '1 row differs from an earlier one in case, spaces and punctuation alone, and has another label: row 18 says "good" and row 2 "bad".',
        rows: [18],
        pairs: [[2, 18]],
      },
    ]);
  });
  it("similar_rows_conflict counts all, and lists the first ten", async () => {
    const shouted = many.map((row) =>
      row.endsWith("bad") ? `${row.slice(0, -4)}!,good` : `${row.slice(0, -5)}!,bad`,
    );
    const [warning] = (await parse(table(...many, ...shouted))).warnings;
    expect(warning?.message).toMatch(
      /^16 rows differ .* row 18 says "good" and row 2 "bad", .*, and 13 more\.$/,
    );
    expect(warning?.rows).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);
  });
  it("none for similar texts of a file that is not learned from", async () => {
    const { warnings } = await parse(table(...many, "TEXT 0,good"), { forTraining: false });
    expect(warnings).toEqual([]);
  });
  it("none for texts without a letter, which are all alike in their words", async () => {
    expect(await warn(table(...many, "?!,good", "!!,bad"))).toEqual([]);
  });
  it("none for pairs whose second text is longer than is compared in its words", async () => {
    const rows = many.map((row, index) => row.replace(",", `,second ${index},`));
    const long = (end: string) => `${"word ".repeat(500)}${end}`;
    const content = ["text,text_pair,label", ...rows, `one,${long("a")},good`, `one,${long("b")},bad`];
    expect(await warn(content.join("\n"))).toEqual([]);
  });
  it("similar_rows_conflict of pairs takes both texts", async () => {
    const rows = many.map((row, index) => row.replace(",", `,second ${index},`));
    const more = ["TEXT 0,Second 0?,good", "TEXT 2,Second 1,good"];
    const content = ["text,text_pair,label", ...rows, ...more].join("\n");
    expect(await warn(content)).toEqual([["similar_rows_conflict", [18]]]);
  });
  it("small_class", async () => expect(await warn(table(...base))).toEqual([["small_class", [2, 6]]]));
  it("extra_columns", async () => {
    const content = ["text,label,id", ...many.map((row, index) => `${row},${index}`)].join("\n");
    expect((await parse(content)).warnings).toEqual([
      { code: "extra_columns", message: '1 column not used: "id".' },
    ]);
  });
  it("unbalanced_classes", async () => {
    const large = Array.from({ length: 161 }, (_, index) => `large ${index},large`);
    const small = Array.from({ length: 8 }, (_, index) => `small ${index},small`);
    expect(await warn(table(...large, ...small))).toEqual([["unbalanced_classes", undefined]]);
    expect(await warn(table(...large.slice(1), ...small))).toEqual([]);
  });
});

describe("any content", () => {
  const text = fc
    .string({ unit: "grapheme", maxLength: 30 })
    .map((value) => `${value.replaceAll("\0", "")},"x"\n"`);
  const label = fc
    .string({ unit: "grapheme", maxLength: 9 })
    .map((value) => `${value.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "")}~`.trim());
  const rows = fc.array(fc.record({ text, label, text_pair: text }), { minLength: 1, maxLength: 20 });
  const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;

  it("written as CSV or NDJSON is read back row by row", async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom("\n", "\r\n", "\r"), async (written, end) => {
        const records = written.map((row) => [row.text_pair, row.text, row.label].map(quote).join(","));
        const asCsv = ["text_pair,text,label", ...records].join(end);
        for (const [content, options] of [
          [asCsv, csv],
          [lines(...written), ndjson],
        ] as const) {
          const { examples, labels } = await parse(content, { ...options, forTraining: false });
          const read = examples.map(({ input, label: index }) => ({ input, label: labels[index] }));
          expect(read).toEqual(
            written.map((row) => ({ input: { text: row.text, textPair: row.text_pair }, label: row.label })),
          );
        }
      }),
    );
  });

  it("of whatever bytes throws nothing but a TrainerError", async () => {
    const piece = fc.constantFrom(
      "text,label\n",
      '"',
      "\n",
      "\r",
      ",",
      "a",
      '{"text":"a","label":"b"}',
      "[",
      "\ufeff",
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(piece).map((pieces) => Buffer.from(pieces.join(""))),
    );
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.constantFrom(csv, ndjson),
        fc.boolean(),
        async (content, options, forTraining) => {
          try {
            await parseDataset(content, { ...options, forTraining });
          } catch (error) {
            expect(error).toBeInstanceOf(TrainerError);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
