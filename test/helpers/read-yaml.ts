// YAML files as what they say, read by the Python of test/helpers/validators.ts.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const SCRIPT =
  "import json, sys, yaml; print(json.dumps([d for p in sys.argv[1:] for d in yaml.safe_load_all(open(p, encoding='utf-8'))]))";

/** The documents of all of them, in turn. */
export async function readYaml<Document>(python: string, files: readonly string[]): Promise<Document[]> {
  const { stdout } = await promisify(execFile)(python, ["-c", SCRIPT, ...files]);
  return JSON.parse(stdout);
}
