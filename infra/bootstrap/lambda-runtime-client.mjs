// AWS's runtime interface client, which drives a function in Lambda's Node images: for the test that drives ours as Lambda
// does. It is compiled where it is installed (C++, make, cmake; some minutes), so only who asks for it builds it:
//   SOFTGATE_LAMBDA_CLIENT=build npm test -- infra/lambda
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.mjs";
import { runNpm } from "./run-npm.mjs";

const NAME = "aws-lambda-ric";
const VERSION = "4.0.2";

/**
 * The program's path; SOFTGATE_LAMBDA_CLIENT itself, where it is one. Undefined when it was not built, and nobody asks for
 * it. Rejects when it cannot be built.
 */
export async function findLambdaRuntimeClient() {
  const asked = process.env.SOFTGATE_LAMBDA_CLIENT;
  if (asked !== undefined && asked !== "build") return asked;
  const folder = join(cacheFolder(), "bin", `${NAME}-${VERSION}`);
  const program = join(folder, "node_modules", NAME, "index.mjs");
  if (existsSync(program)) return program;
  if (asked === undefined) return undefined;
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    // The one package here whose install script must run.
    const manifest = { private: true, dependencies: { [NAME]: VERSION }, allowScripts: { [NAME]: true } };
    writeFileSync(join(scratch, "package.json"), JSON.stringify(manifest));
    await runNpm(["install"], scratch);
    renameSync(scratch, folder);
    return program;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
