import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegistry, openObjectStore, parseAdapterName, parseTenantId } from "#registry";
import { softgate } from "../test-io.ts";

const tenant = parseTenantId("default");
const bytesOf = (text: string) => new TextEncoder().encode(text);
let folder: string;
let [from, to]: [string, string] = ["", ""];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  [from, to] = [`file:${join(folder, "first")}`, `file:${join(folder, "second")}`];
  await publish(from, "tickets");
  await publish(from, "spam");
});
afterAll(() => rm(folder, { recursive: true }));

async function publish(storeUrl: string, name: string): Promise<void> {
  const store = await openObjectStore(storeUrl);
  await createRegistry({ store }).publish(tenant, {
    name: parseAdapterName(name),
    files: { config: bytesOf(`config of ${name}`), weights: bytesOf(`weights of ${name}`) },
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id: "tiny", digest: `sha256:${"a".repeat(64)}`, width: 2 },
      labels: ["no", "yes"],
      insertions: [],
      temperature: 1,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: {},
    },
  });
  await store.close();
}

const mirror = (...args: string[]) => softgate(["adapters", "mirror", "--from", from, "--to", to, ...args]);

describe("softgate adapters mirror", () => {
  it("tells what it would send, sends it, and then has nothing to send", async () => {
    const dry = await mirror("--dry-run", "--json");
    const { bytes, ...told } = JSON.parse(dry.stdout);
    expect({ exitCode: dry.exitCode, ...told }).toMatchObject({
      ...{ exitCode: 0, dryRun: true, adapters: { changed: 2, unchanged: 0, diverged: 0 }, failed: 0 },
      ...{ versions: 2, blobs: 4, problems: [] },
    });
    const first = await mirror();
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("mirroring  ") });
    expect(first.stdout).toMatch(/ADAPTERS +2\n {2}changed +2\n/);
    const second = JSON.parse((await mirror("--json")).stdout);
    expect(second).toMatchObject({ adapters: { changed: 0, unchanged: 2 }, blobs: 0, bytes: 0 });
    const listed = (url: string) => softgate(["adapters", "list", "--store", url]);
    expect(await listed(to)).toEqual(await listed(from));
  });

  it("names what was changed at the target, does the rest, and exits with 1, until it is forced", async () => {
    await softgate(["adapters", "set-alias", "tickets", "canary", "1", "--store", to]);
    await publish(from, "spam");
    const { exitCode, stdout, stderr } = await mirror("--json");
    expect({ exitCode, ...JSON.parse(stderr).error }).toMatchObject({
      exitCode: 1,
      code: "mirror_incomplete",
    });
    expect(JSON.parse(stdout)).toMatchObject({
      adapters: { changed: 1, unchanged: 0, diverged: 1 },
      problems: [{ tenant, adapter: "tickets", code: "mirror_diverged" }],
    });
    expect((await mirror()).stdout).toMatch(/^mirror_diverged: Adapter tickets of tenant default/m);
    expect((await mirror("--force")).exitCode).toBe(0);
    expect((await mirror("--name", "tickets")).exitCode).toBe(0);
  });

  it("refuses a name with a prefix, and a name that is not there", async () => {
    expect((await mirror("--name", "spam", "--prefix", "s")).exitCode).toBe(2);
    expect((await mirror("--name", "nowhere")).exitCode).toBe(3);
    expect((await softgate(["adapters", "mirror", "--from", from])).exitCode).toBe(2);
  });
});
