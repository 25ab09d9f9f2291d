// errors.json is what docs/errors.md says. After a change of that: npm test -- functions/routes/errors -u
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";

/** code | HTTP status | exit code, but for the gateway | what it means | what to do */
const ROW = /^\| `(\w+)` \| (\d{3}) \|(?: \S+ \|)? (.*) \| (.*) \|$/gm;

it("errors.json has every error of docs/errors.md that is answered over HTTP, in its words", async () => {
  const page = await readFile(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(ROW)].map(([, code = "", status = "", meaning = "", remedy = ""]) => [
    code,
    { status, meaning: plain(meaning), remedy: plain(remedy) },
  ]);
  const json = `${JSON.stringify(Object.fromEntries(rows), undefined, 2)}\n`;
  await expect(json).toMatchFileSnapshot("errors.json");
});

/** Markdown as words: links by their text, without the marks of code. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}
