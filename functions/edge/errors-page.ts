// docs/errors.md as a Worker has it: in its bundle, in place of functions/routes/errors/errors-page.ts (package.json, "imports").
import page from "../../docs/errors.md";

export async function readErrorsPage(): Promise<string> {
  return page;
}
