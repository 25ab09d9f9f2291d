// A server's session takes longest to load, and needs nothing of the rest of the program: it is begun before that is
// loaded, on what the command line most likely means. Whoever needs another session leaves this one.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { beginSession, GRAPH_FILE, planSessions, preparedAs } from "#model/runtime/begin";
import { DEFAULT_BACKBONE, folderOfBackbone } from "#registry/backbones/places";

/** Does nothing for other commands, and where nothing was prepared. Throws nothing. */
export function beginServing([command, ...args]: readonly string[]): void {
  if (command !== "serve" || args.includes("--help") || args.includes("-h")) return;
  const text = { type: "string" } as const;
  const options = { backbone: text, precision: text, threads: text, sessions: text };
  const { values } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  const { backbone = DEFAULT_BACKBONE, precision, threads = "0", sessions = "0" } = values;
  if (typeof backbone !== "string") return;
  const { key } = preparedAs(precision === "fp32" ? "fp32" : "int8");
  const folders = [resolve(backbone), folderOfBackbone(backbone)];
  const prepared = folders
    .map((folder) => join(folder, key))
    .find((path) => existsSync(join(path, GRAPH_FILE)));
  const plan = planSessions({ threads: Number(threads), sessions: Number(sessions) });
  if (prepared === undefined) return;
  beginSession({ graphFile: join(prepared, GRAPH_FILE) }, { threads: plan.threads });
}
