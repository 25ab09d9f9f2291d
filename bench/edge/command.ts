// npm run bench -- edge
import { Command } from "commander";
import type { BenchIo } from "../io.ts";
import { openBackbone } from "../open-backbone.ts";
import { type SharedOptions, wholeNumber, withShared } from "../options.ts";
import { printDocument } from "../print-document.ts";
import { textTable, whole } from "../text-table.ts";
import type { EdgeResult } from "./measure-edge.ts";

interface EdgeOptions extends Omit<SharedOptions, "threads"> {
  readonly requests: number;
  readonly warmUp: number;
}

export function edgeCommand(io: BenchIo): Command {
  const command = new Command("edge")
    .description("the edge tier in workerd against a server in Node with one thread: cold, warm, memory")
    .option("--requests <n>", "of each size, one after the other", wholeNumber(1, 10_000), 50)
    .option("--warm-up <n>", "requests before those, not measured", wholeNumber(0, 1_000), 30);
  return withShared(command, "write the JSON document to this file too").action((options: EdgeOptions) =>
    edge(options, io),
  );
}

async function edge({ requests, warmUp, ...options }: EdgeOptions, io: BenchIo): Promise<void> {
  const backbone = await openBackbone(options.backbone, io);
  // Loaded late: it needs wrangler, which is there for development alone (npm ci).
  const { measureEdge } = await import("./measure-edge.ts");
  const results = await measureEdge({ backbone, requests, warmUp, io });
  const settings = { backbone: { id: backbone.id, digest: backbone.backbone.digest }, requests, warmUp };
  await printDocument({ benchmark: "edge", settings, results, text: describe(results) }, options, io);
}

function describe({ edge, node, heap }: EdgeResult): string {
  const milliseconds = (value: number) => value.toFixed(1);
  const rows = edge.sizes.map(({ tokens, texts, ms }, index) => {
    const inNode = node.sizes[index]?.ms;
    return [
      `${texts} x ${tokens}`,
      ...[milliseconds(ms.median), milliseconds(ms.max)],
      ...(inNode ? [milliseconds(inNode.median), milliseconds(inNode.max)] : ["", ""]),
    ];
  });
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return `${textTable([["TEXTS X TOKENS", "EDGE, MS", "SLOWEST", "NODE, MS", "SLOWEST"], ...rows])}
First answer of a new one: edge ${whole(edge.coldMs)} ms, node ${whole(node.coldMs)} ms.
Heap at the edge: ${megabytes(heap.wasmBytes)} MB in WebAssembly, ${megabytes(heap.scriptBytes)} MB of the script.
`;
}
