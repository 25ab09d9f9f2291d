import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { exitCodeByCode } from "../cli/errors.ts";
import { statusByCode } from "../functions/status-by-code.ts";

// Not errors of a room, and told by runCli itself.
const exitCodes: Record<string, number> = { ...exitCodeByCode, internal_error: 1 };

it("docs/errors.md lists every code once, with its HTTP status and its exit code", async () => {
  const page = await readFile(new URL("../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\S+) \| (\S+) \|/gm)];
  const documented = rows.map(([, code, status, exitCode]) => ({ code, status, exitCode }));
  const codes = [...new Set([...Object.keys(statusByCode), ...Object.keys(exitCodes)])];
  const statuses: Record<string, number> = statusByCode;
  const actual = codes.map((code) => ({
    code,
    status: String(statuses[code] ?? "–"),
    exitCode: String(exitCodes[code] ?? "–"),
  }));
  const byCode = (left: { code?: string | undefined }, right: { code?: string | undefined }) =>
    (left.code ?? "") < (right.code ?? "") ? -1 : 1;
  expect(documented.sort(byCode)).toEqual(actual.sort(byCode));
});
