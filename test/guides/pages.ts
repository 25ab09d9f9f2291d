// What guides need before their first block, and which of their words stand for something of the reader's. Pages that need
// nothing are not here.
import { freePort } from "../helpers/free-port.ts";

export interface PageNeeds {
  /** Run by bash before the first block, as a block is. */
  readonly before: string;
  /** What is said in the blocks → what is run instead. */
  readonly words: Readonly<Record<string, string>>;
  /** What `python3` has installed, from test/. */
  readonly requirements: string;
}

const NOTHING: PageNeeds = { before: "", words: {}, requirements: "openapi/requirements.txt" };

/** The first version of "tickets". */
const train = (tenant: string) =>
  `softgate train --data tickets.csv --name tickets --tenant ${tenant} --json > /dev/null\n`;

const NEEDS: Readonly<Record<string, Partial<PageNeeds>>> = {
  "how-to/batch.md": {
    before: `${train("acme")}${train("default")}
      sed 's/^\\([^,]*\\),.*/{"text":"\\1"}/' tickets.csv | tail -n +2 > texts.ndjson
      cut -d, -f1 tickets.csv > texts.csv`,
  },
  "how-to/clients.md": {
    before: `${train("acme")}
      tail -n +2 tickets.csv | sed 's/^\\(.*\\),\\(.*\\)/{"text":"\\1","label":"\\2"}/' > tickets.jsonl`,
    words: { "8081": `${await freePort()}` },
    requirements: "clients/requirements.txt",
  },
  "how-to/command-line.md": {
    words: {
      // Another program may have the usual port.
      "softgate doctor": `softgate doctor --port ${await freePort()}`,
      "softgate serve\n":
        "softgate serve --port 0 > serve.log 2>&1 &\nuntil grep -q http: serve.log; do kill -0 $!; sleep 0.1; done\n",
    },
  },
  "how-to/export.md": {
    before: `${train("acme")}${train("default")}
      cp "$SOFTGATE_CACHE"/backbones/*/tokenizer.json .
      export OTHER_KEY=$(softgate keys create --tenant other --json | jq -r .secret)`,
    words: { "tickets:3": "tickets:1", "versions/3": "versions/1" },
    requirements: "exports/requirements.txt",
  },
  "how-to/feedback.md": { before: train("acme") },
  "how-to/remote.md": {
    before: `echo "$KEY" > key.txt`,
    words: { "https://softgate.example.com": "$URL", "sg_…": "$KEY" },
  },
  ...Object.fromEntries(
    ["cohere-classify", "comprehend", "openai-fine-tuning", "setfit"].map((name) => [
      `migrate/${name}.md`,
      { requirements: "clients/requirements.txt" },
    ]),
  ),
  "how-to/store.md": { before: `${train("default")}cp tickets.csv test.csv` },
};

/** By its path in docs/. */
export function needsOf(path: string): PageNeeds {
  return { ...NOTHING, ...NEEDS[path] };
}

/** Those that need something. */
export const needyPages: readonly string[] = Object.keys(NEEDS);
