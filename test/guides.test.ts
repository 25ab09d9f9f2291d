// The guides, as they are read: what a page shows in sh, ts and python runs, block after block, in a folder of its own, on a real
// server that trains for real. Pages are found by themselves; what one needs beforehand is in guides/pages.ts. What cannot be
// run here is ```console, and its page says so.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, findBlocks, isRun } from "./guides/find-blocks.ts";
import { type GuidesPlace, makeGuidesPlace } from "./guides/guides-place.ts";
import { needsOf, needyPages } from "./guides/pages.ts";
import { findPython } from "./helpers/python.ts";

const PAGE_MS_MAX = 150_000;
const KINDS = ["sh", "ts", "python", "console", "json", "text", "csv"];

const docs = fileURLToPath(new URL("../docs/", import.meta.url));
const pages = globSync(["quickstart.md", "operations.md", "how-to/*.md", "migrate/*.md"], { cwd: docs })
  .sort()
  .map((path) => ({ path, text: readFileSync(`${docs}${path}`, "utf8") }))
  .map(({ path, text }) => ({ path, text, blocks: findBlocks(text), needs: needsOf(path) }));
const runnable = pages.filter(({ blocks }) => blocks.some(isRun));

// Before the cache folder is another.
const pythons = new Map<string, string | undefined>();
for (const { blocks, needs } of runnable) {
  if (!blocks.some((block) => isRun(block) && /python/.test(block.kind + block.text))) continue;
  const path = fileURLToPath(new URL(needs.requirements, import.meta.url));
  if (!pythons.has(needs.requirements)) pythons.set(needs.requirements, await findPython(path));
}

let place: GuidesPlace;
beforeAll(async () => {
  place = await makeGuidesPlace();
});
afterAll(() => place?.close());

it("there are guides, and what is said of one is of one that is there", () => {
  expect(runnable.length).toBeGreaterThan(8);
  expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining([...needyPages]));
});

it.each(pages)("$path: each block is of a kind that is run, or shown as not run", ({ text, blocks }) => {
  for (const { kind, line } of blocks) expect(KINDS, `the block at line ${line}`).toContain(kind);
  const isShown = blocks.some(({ kind }) => kind === "console");
  const isSaid = !isShown || /\b(not|never) run\b/.test(text);
  expect(isSaid, "a page with blocks of console says that they were not run").toBe(true);
});

describe("every block runs as it stands", { timeout: PAGE_MS_MAX }, () => {
  it.each(runnable)("$path", async ({ path, blocks, needs }) => {
    const python = pythons.get(needs.requirements);
    const isMissing = python === undefined && pythons.has(needs.requirements);
    const canRun = (block: Block) => isRun(block) && !(isMissing && block.kind === "python");
    await place.runPage({ path, blocks: blocks.filter(canRun), needs, python });
  });
});
