// What to do next: labels that need examples, rows to look at, what is odd about the file.
import type { TrainingReport } from "../report.ts";
import { percent } from "./format.ts";
import { type Markup, markup } from "./markup.ts";
import { tableOf } from "./plot.ts";

export function adviceSection({ advice, warnings, heldOut }: TrainingReport): Markup {
  const file = heldOut.from === "validation_file" ? "of the validation file" : "of the training file";
  return markup`<section>
<h2>What would help</h2>
${listOf(
  "ol",
  advice.map(({ message }) => message),
  "No label stands out as needing examples.",
)}<h3>Rows that look mislabelled</h3>
${suspectsTable(heldOut, file)}<h3>Warnings about the training file</h3>
${listOf(
  "ul",
  warnings.map(({ message }) => message),
  "None.",
)}</section>
`;
}

function listOf(kind: "ol" | "ul", messages: readonly string[], none: string): Markup {
  if (messages.length === 0)
    return markup`<p>${none}</p>
`;
  const items = messages.map(
    (message) => markup`<li>${message}</li>
`,
  );
  return kind === "ol"
    ? markup`<ol>
${items}</ol>
`
    : markup`<ul>
${items}</ul>
`;
}

function suspectsTable({ suspects, suspectsFound }: TrainingReport["heldOut"], file: string): Markup {
  if (suspects.length === 0)
    return markup`<p>None.</p>
`;
  const rows = suspects.map(({ row, label, guess, score }) => [row, label, guess, percent(score)]);
  const some =
    suspectsFound > suspects.length ? `The clearest ${suspects.length} of ${suspectsFound} rows` : "Rows";
  const caption = `${some} ${file}, counted as the file counts, the clearest first; a guess may be wrong`;
  return markup`<div class="wide">${tableOf(caption, ["Row", "Label", "Looks like", "Score"], rows, [1, 2])}</div>
`;
}
