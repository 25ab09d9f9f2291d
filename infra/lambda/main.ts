// npm run lambda: assembles the function for AWS Lambda, and says how large it is.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ARCHITECTURES, assembleFunction, UNZIPPED_BYTES_MAX } from "./assemble.ts";
import { pullPrepared } from "./pull-prepared.ts";
import { zipFolder } from "./zip-folder.ts";

const HELP = `Usage: npm run lambda -- [--architecture arm64] [--out dist/lambda] [--backbone ID] [--folder-only]

Assembles OUT/function, which infra/aws deploys, and OUT/function.zip of the same, or the folder only.
`;
const root = fileURLToPath(new URL("../../", import.meta.url));
const text = { type: "string" } as const;

try {
  await run();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const flag = { type: "boolean" } as const;
  const options = { architecture: text, out: text, backbone: text, "folder-only": flag, help: flag };
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const architecture = ARCHITECTURES.find((name) => name === (values.architecture ?? "arm64"));
  if (!architecture) throw new Error(`--architecture is one of ${ARCHITECTURES.join(", ")}.`);
  const out = resolve(root, values.out ?? "dist/lambda");
  const backbone = await pullPrepared({
    root,
    ...(values.backbone !== undefined && { id: values.backbone }),
  });
  const folder = join(out, "function");
  const { files, bytes } = await assembleFunction({ architecture, folder, root, ...backbone });
  const most = `of the ${megabytes(UNZIPPED_BYTES_MAX)} that Lambda takes`;
  process.stdout.write(`${folder}\n  ${architecture}, ${files.length} files, ${megabytes(bytes)} ${most}\n`);
  if (values["folder-only"]) return;
  const zipFile = join(out, "function.zip");
  const zipBytes = await zipFolder(folder, { paths: files.map(({ path }) => path), zipFile });
  process.stdout.write(`${zipFile}\n  ${megabytes(zipBytes)}\n`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
