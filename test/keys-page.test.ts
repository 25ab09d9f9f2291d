import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createRegistry, openObjectStore, parseTenantId } from "#registry";

it("docs/how-to/keys.md: the scanner takes keys, and no text that differs in one character", async () => {
  const page = await readFile(new URL("../docs/how-to/keys.md", import.meta.url), "utf8");
  const scanner = /```python\n(.*?)```/s.exec(page)?.[1] ?? "";
  const registry = createRegistry({ store: await openObjectStore("memory:") });
  const keys = await Promise.all([1, 2, 3].map((key) => registry.createKey(parseTenantId("a"), `${key}`)));
  const secrets = keys.map(({ secret }) => secret);
  const changed = secrets.map((secret) => secret.slice(0, -1) + (secret.endsWith("A") ? "B" : "A"));
  const print = `import sys\nprint([is_softgate_key(text) for text in sys.argv[1:]])`;
  const run = promisify(execFile)("python3", ["-c", `${scanner}\n${print}`, ...secrets, ...changed]);
  expect((await run).stdout).toBe("[True, True, True, False, False, False]\n");
});
