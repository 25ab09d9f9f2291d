// The server as its OpenAPI document describes it, asked by schemathesis: requests made of the document, those that it
// allows and those that it does not.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishTickets } from "../helpers/published-tickets.ts";
import { findPython } from "../helpers/python.ts";
import { startTinyServer, type TinyServer } from "../helpers/tiny-server.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const python = await findPython(pathOf("requirements.txt"));

/** Of all requests. */
const RUN_SECONDS_MAX = 30;
/** Longer than the server lets a caller wait for a job. */
const REQUEST_SECONDS_MAX = 45;
/** Of what is told of failures: requests in it may be long. */
const OUTPUT_LENGTH_MAX = 20_000;
/**
 * Not those that take the document for all rules there are: a text of a dataset, for one, must be more than a string.
 */
const CHECKS = [
  ...["not_a_server_error", "status_code_conformance", "content_type_conformance", "ignored_auth"],
  ...["response_headers_conformance", "response_schema_conformance", "unsupported_method"],
];

describe.skipIf(python === undefined)("schemathesis", () => {
  let server: TinyServer;
  beforeAll(async () => {
    server = await startTinyServer(publishTickets);
  });
  afterAll(() => server?.close());

  it(
    "finds no fault of the server, and no answer that the document does not describe",
    async () => {
      const { code, output } = await runSchemathesis(`${server.url}/openapi.json`);
      const failures = output.slice(Math.max(0, output.indexOf("= FAILURES ="))).slice(0, OUTPUT_LENGTH_MAX);
      expect(code, failures).toBe(0);
      // On a busy machine its time ends before all of them were asked.
      expect(Number(/Tested: (\d+)/.exec(output)?.[1]), failures).toBeGreaterThan(20);
    },
    (RUN_SECONDS_MAX + REQUEST_SECONDS_MAX + 15) * 1_000,
  );

  async function runSchemathesis(url: string): Promise<{ code: unknown; output: string }> {
    const args = [
      ...["-m", "schemathesis.cli", "run", url, "--header", `Authorization: Bearer ${server.key}`],
      ...["--checks", CHECKS.join(","), "--phases", "examples,coverage,fuzzing", "--max-examples", "15"],
      ...[
        "--max-time",
        String(RUN_SECONDS_MAX),
        "--seed",
        "1",
        "--no-shrink",
        "--suppress-health-check",
        "all",
      ],
      ...["--continue-on-failure", "--warnings", "off", "--request-timeout", String(REQUEST_SECONDS_MAX)],
    ];
    const env = { ...process.env, SCHEMATHESIS_HOOKS: pathOf("hooks.py"), NO_COLOR: "1" };
    const child = spawn(python ?? "", args, { env, cwd: server.folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    const [code] = await once(child, "exit");
    return { code, output };
  }
});
