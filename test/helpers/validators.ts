// What checks deployment files, in Python: infra/validators/requirements.txt. Its programs are run as modules, as an
// environment that was moved has wrong paths in its scripts.
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findPython } from "./python.ts";

export interface Validators {
  /** Each rejects with what the program found. */
  lintTemplates(files: readonly string[]): Promise<void>;
  lintDockerfile(file: string): Promise<void>;
  checkCompose(file: string): Promise<void>;
  /** Against the schemas of this version of Kubernetes, with no field that they do not have. */
  checkManifests(version: string, files: readonly string[]): Promise<void>;
  /** The documents of all of them, in turn. */
  readYaml<Document>(files: readonly string[]): Promise<Document[]>;
}

const REQUIREMENTS = fileURLToPath(new URL("../../infra/validators/requirements.txt", import.meta.url));
const LINT = "import sys; from cfnlint.runner import main; sys.exit(main())";
const READ =
  "import json, sys, yaml; print(json.dumps([d for p in sys.argv[1:] for d in yaml.safe_load_all(open(p, encoding='utf-8'))]))";
/** The CDK writes dependencies that references make already. */
const LINT_IGNORED = "W3005";

/** Undefined when there is no Python, or no network, outside of CI. May install for minutes. */
export async function findValidators(): Promise<Validators | undefined> {
  const python = await findPython(REQUIREMENTS);
  if (python === undefined) return undefined;
  const run = async (...args: readonly string[]) => (await promisify(execFile)(python, args)).stdout;
  return {
    lintTemplates: async (files) =>
      void (await run("-c", LINT, "--ignore-checks", LINT_IGNORED, "--", ...files)),
    lintDockerfile: async (file) =>
      void (await promisify(execFile)(join(dirname(python), "hadolint"), [file])),
    checkCompose: async (file) =>
      void (await run("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file)),
    checkManifests: async (version, files) =>
      void (await run("-m", "kubernetes_validate", "--strict", "--no-warn", "-k", version, ...files)),
    readYaml: async (files) => JSON.parse(await run("-c", READ, ...files)),
  };
}
