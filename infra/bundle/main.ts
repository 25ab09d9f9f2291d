// npm run build: the command softgate as a folder that needs nothing but Node.
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildSoftgate } from "./build-softgate.ts";

const HELP = `Usage: npm run build -- [--out dist/softgate]

Makes a folder that needs nothing but Node 24: node dist/softgate/softgate.mjs COMMAND. It starts faster than npm run softgate,
and stays as it was built: build again after a change, into a folder that nothing runs from.
`;
const root = fileURLToPath(new URL("../../", import.meta.url));

try {
  await run();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const folder = values.out === undefined ? join(root, "dist/softgate") : resolve(values.out);
  const { main } = await buildSoftgate({ root, folder });
  process.stdout.write(`${relative(process.cwd(), main)}\n`);
}
