// README.md of an export: what the adapter is, how good it was found, and what reads the files beside it.
import type { PeftMethod } from "#model/export";
import type { ResolvedAdapter } from "#registry";
import { parseReport } from "#trainer/report";
import { percent } from "../output.ts";

type Kind = { readonly format: "softgate" } | { readonly format: "peft"; readonly method: PeftMethod };

/** Markdown, UTF-8. Labels and names come from users: they stand in blocks of JSON, where nothing of them is markup. */
export function modelCard(resolved: ResolvedAdapter, kind: Kind): Uint8Array {
  const { name, version, digest, manifest } = resolved;
  const { backbone, labels, dataset, temperature, outOfScope, insertions } = manifest;
  const facts = {
    adapter: `${name}:${version}`,
    digest,
    backbone,
    dataset,
    createdAt: manifest.createdAt,
    labels: Object.fromEntries(labels.map((label, index) => [index, label])),
    temperature,
    ...(outOfScope ? { outOfScope } : {}),
    insertions,
    files: manifest.files,
  };
  const parts = [
    "---\nlibrary_name: softgate\npipeline_tag: text-classification\n---",
    `# ${name}, version ${version}`,
    "A text classifier: insertions and a head on a frozen backbone, trained and exported by Softgate.",
    `## Figures\n\n${figuresOf(resolved)}`,
    `## Facts\n\n${fenced(facts)}`,
    `## What reads these files\n\n${kind.format === "peft" ? peftText(kind.method) : SOFTGATE_TEXT}`,
  ];
  return new TextEncoder().encode(`${parts.join("\n\n")}\n`);
}

function figuresOf({ manifest }: ResolvedAdapter): string {
  try {
    const { heldOut, examples, classes } = parseReport(manifest.report);
    const { accuracy, macroF1, n, calibration } = heldOut;
    return `On ${n} held-out rows: accuracy ${percent(accuracy)}, macro-F1 ${percent(macroF1)}, calibration error ${percent(calibration.errorAfter)}. Learned from ${examples} examples of ${classes} labels.`;
  } catch {
    return "The version has no report that this version of Softgate can read.";
  }
}

/** JSON begins each line with a space, a brace or a quote, so no text in it ends the block. */
function fenced(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}

const SOFTGATE_TEXT =
  "Softgate: `softgate adapters import FOLDER --name NAME`. The sha256 of manifest.json is the digest above, and manifest.json names the other two files by theirs.";

const HEAD_TEXT =
  "head.safetensors holds the head, softgate_config.json what is done before and after it: the mean over a text's tokens (or what `pooling` says), divided by its length; `classifier.weight · features + classifier.bias`; softmax of that over `temperature`.";

function peftText(method: PeftMethod): string {
  if (method === undefined) {
    return `**PEFT cannot load this adapter.** Its files have PEFT's names, and its insertions are none of PEFT's methods (prompt generators of Selective Prompt Tuning, or none at all): adapter_config.json says \`"peft_type": "SPT"\`, which PEFT refuses. Use Softgate, or its ONNX export.\n\n${HEAD_TEXT}`;
  }
  const norms = method === "LORA" ? " (norms are modules_to_save)" : "";
  return `PEFT loads the insertions, as its method ${method}${norms}: \`PeftModel.from_pretrained(AutoModel.from_pretrained(BACKBONE), FOLDER)\`. It does not load the head. ${HEAD_TEXT}`;
}
