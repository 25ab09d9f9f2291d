import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { expect, it, onTestFinished } from "vitest";
import { zipFolder } from "./zip-folder.ts";

it("the same files are the same zip, byte for byte, whenever they were written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "softgate-zip-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "index.mjs"), "export const handler = 1;\n");
  const zip = async (name: string) => {
    const zipFile = join(folder, name);
    const bytes = await zipFolder(folder, { paths: ["index.mjs"], zipFile });
    const content = await readFile(zipFile);
    expect(bytes).toBe(content.byteLength);
    return content;
  };
  const first = await zip("one.zip");
  await utimes(join(folder, "index.mjs"), 1, 1);
  expect(first.equals(await zip("other.zip"))).toBe(true);
  expect(Buffer.from(unzipSync(first)["index.mjs"] ?? []).toString()).toBe("export const handler = 1;\n");
});
