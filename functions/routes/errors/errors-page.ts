// docs/errors.md as a host has it that has files; a Worker has functions/edge/errors-page.ts in its place (package.json,
// "imports").
import { readFile } from "node:fs/promises";

export function readErrorsPage(): Promise<string> {
  return readFile(new URL("../../../docs/errors.md", import.meta.url), "utf8");
}
