import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serializeAdapter } from "#model";
import { createRegistry, openObjectStore, parseAdapterName, parseTenantId } from "#registry";
import { makeRandomAdapter } from "../../test/helpers/random-adapter.ts";
import { withRegistry } from "../open-registry.ts";
import { softgate } from "../test-io.ts";

let folder: string;
let env: { SOFTGATE_STORE: string };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  env = { SOFTGATE_STORE: `file:${join(folder, "store")}` };
  await withRegistry(env.SOFTGATE_STORE, async (registry) => {
    for (const macroF1 of [0.7, 0.8, 0.9]) {
      await registry.publish(parseTenantId("default"), publishRequest(macroF1));
    }
  });
});
afterEach(() => rm(folder, { recursive: true }));

function publishRequest(macroF1: number) {
  const backbone = { id: "tiny", digest: `sha256:${"a".repeat(64)}` };
  const adapter = makeRandomAdapter({ width: 2, seed: 100 * macroF1, classes: 2, generators: [] });
  return {
    name: parseAdapterName("tickets"),
    files: serializeAdapter(adapter, backbone),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { ...backbone, width: 2 },
      labels: [...adapter.labels],
      insertions: [],
      temperature: adapter.temperature,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: { heldOut: { macroF1 } },
    },
  };
}

/** Versions of an adapter "old" that a retention may delete. */
async function publishLongAgo(): Promise<void> {
  const store = await openObjectStore(env.SOFTGATE_STORE);
  const registry = createRegistry({ store, now: () => new Date(Date.now() - 2 * 24 * 60 * 60 * 1_000) });
  for (const macroF1 of [0.7, 0.8, 0.9]) {
    const request = { ...publishRequest(macroF1), name: parseAdapterName("old") };
    await registry.publish(parseTenantId("default"), request);
  }
  await store.close();
}

const NOTHING = {
  ...{ versionsExpired: 0, adaptersRemoved: 0, versionsRemoved: 0, numbersRemoved: 0 },
  ...{ blobsRemoved: 0, bytesRemoved: 0, blobsWaiting: 0, bytesWaiting: 0 },
};

async function run(...args: string[]) {
  return softgate(args, { env });
}

describe("softgate adapters", () => {
  it("rollback moves production to the version before, and says so", async () => {
    expect(await run("adapters", "rollback", "tickets")).toMatchObject({
      exitCode: 0,
      stdout: "tickets@production is tickets:2 now, and was tickets:3.\n",
    });
    const named = await run("adapters", "rollback", "tickets", "--to", "1", "--from", "2", "--json");
    expect(JSON.parse(named.stdout)).toEqual({ name: "tickets", alias: "production", version: 1, from: 2 });
    const late = await run("adapters", "rollback", "tickets", "--from", "2", "--json");
    expect([late.exitCode, JSON.parse(late.stderr).error.code]).toEqual([1, "conflict"]);
  });

  it("history shows who moved what from where to where and why, and where the next page begins", async () => {
    await run("adapters", "alias", "tickets", "production", "1", "--why", "three is slow");
    const { stdout, stderr } = await run("adapters", "history", "tickets", "--limit", "1");
    expect(stdout).toMatch(/4 +20\S+ +cli +move_alias +production +3 +1 +three is slow/);
    expect(stderr).toBe("More: --before 4\n");
    const rest = await run("adapters", "history", "tickets", "--before", "4", "--json");
    expect(JSON.parse(rest.stdout).changes).toHaveLength(3);
  });

  it("protect holds an alias to a figure; force and a reason move it, and the history says so", async () => {
    await run("adapters", "protect", "tickets", "--metric", "macroF1", "--margin", "0.05");
    const aliases = await run("adapters", "aliases", "tickets");
    expect(aliases.stdout).toMatch(/production +3 +macroF1 on heldOut, margin 0\.05 +2 1\n/);
    const refused = await run("adapters", "rollback", "tickets");
    expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(/macro-F1 on held-out rows of 0\.8000.*0\.9000.*at most 0\.05/);
    await run("adapters", "rollback", "tickets", "--force", "--why", "it answers nonsense");
    const { stdout } = await run("adapters", "history", "tickets", "--limit", "1");
    expect(stdout).toContain("rollback (forced)");
    expect((await run("adapters", "protect", "tickets", "--off")).stdout).toContain("no longer protected");
    expect((await run("adapters", "rollback", "tickets")).exitCode).toBe(0);
  });

  it("retention is set, told and ended; gc deletes what it does not keep, and the history says why", async () => {
    await publishLongAgo();
    expect((await run("adapters", "retention", "old")).stdout).toBe("Of old all versions stay.\n");
    const set = await run("adapters", "retention", "old", "--keep", "1", "--why", "room is short");
    expect(set.stdout).toBe("Of old the newest 1 versions stay, and those that aliases need.\n");
    const dry = await run("adapters", "gc", "--dry-run");
    expect(dry.stdout).toMatch(/^old:1 would be deleted by its retention\nTENANT .*\ndefault +1 +0 +0/);
    expect((await run("adapters", "show", "old")).stdout).toContain("old:1 ");
    expect((await run("adapters", "gc")).stdout).toContain("old:1 deleted by its retention\n");
    expect((await run("adapters", "show", "old")).stdout).not.toContain("old:1 ");
    const history = await run("adapters", "history", "old", "--limit", "1");
    expect(history.stdout).toMatch(/cli +expire_versions +1 +Retention: the newest 1 stay\./);
    expect((await run("audit", "--limit", "1")).stdout).toMatch(/expire_versions +old:1 /);
    const days = await run("adapters", "retention", "old", "--keep", "2", "--days", "7", "--json");
    expect(JSON.parse(days.stdout)).toEqual({ name: "old", retention: { keepVersions: 2, keepDays: 7 } });
    const off = await run("adapters", "retention", "old", "--off", "--json");
    expect(JSON.parse(off.stdout)).toEqual({ name: "old", retention: null });
  });

  it("gc tells of every tenant what went and what waits, also as JSON", async () => {
    await withRegistry(env.SOFTGATE_STORE, async (registry) => {
      await registry.publish(parseTenantId("other"), publishRequest(0.5));
    });
    const one = JSON.parse((await run("adapters", "gc", "--json")).stdout);
    expect(one).toEqual({ dryRun: false, tenants: [{ ...NOTHING, tenant: "default" }], removed: [] });
    const all = JSON.parse((await run("adapters", "gc", "--all-tenants", "--json")).stdout);
    expect(all.tenants.map(({ tenant }: { tenant: string }) => tenant)).toEqual(["default", "other"]);
    await writeFile(join(folder, "store/tenants/default/adapters/tickets/state.json"), "{");
    const broken = await run("adapters", "gc", "--all-tenants");
    expect([broken.exitCode, broken.stderr]).toEqual([1, expect.stringContaining("Of tenant default")]);
    expect(broken.stdout).toMatch(/\nother +0/);
  });

  it("delete and restore an adapter, and a version", async () => {
    const deleted = await run("adapters", "delete", "tickets");
    expect(deleted.stdout).toContain("softgate adapters restore tickets\n");
    expect((await run("adapters", "show", "tickets")).exitCode).toBe(3);
    expect((await run("adapters", "restore", "tickets")).stdout).toBe("tickets is there.\n");
    const inUse = await run("adapters", "delete", "tickets:3");
    expect([inUse.exitCode, inUse.stderr]).toEqual([1, expect.stringContaining("production points at")]);
    await run("adapters", "rm", "tickets:1");
    expect((await run("adapters", "show", "tickets")).stdout).not.toContain("tickets:1");
    await run("adapters", "restore", "tickets:1");
    expect((await run("adapters", "show", "tickets")).stdout).toContain("tickets:1");
  });

  it.each([
    ["adapters", "delete", "tickets:x"],
    ["adapters", "restore", "../tickets"],
    ["adapters", "protect", "tickets", "--margin", "2"],
    ["adapters", "protect", "tickets", "--metric", "loss"],
    ["adapters", "retention", "tickets", "--keep", "0"],
    ["adapters", "retention", "tickets", "--days", "7"],
    ["adapters", "gc", "--grace", "59m"],
    ["audit", "--since", "yesterday"],
  ])("%s %s %s %s is refused as bad input", async (...args) => {
    expect(await run(...args)).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

it("softgate audit tells every change, newest first, and where the next page begins", async () => {
  await run("keys", "create");
  await run("adapters", "rollback", "tickets", "--why", "worse");
  const { stdout, stderr } = await run("audit", "--limit", "2");
  expect(stdout).toMatch(/cli +rollback +tickets@production 3 -> 2 +worse\n.* cli +create_key +key_/);
  const after = /More: --after (\S+)/.exec(stderr)?.[1] ?? "";
  const rest = JSON.parse((await run("audit", "--after", after, "--json")).stdout);
  expect(rest.entries).toHaveLength(6);
  expect(rest).not.toHaveProperty("next");
  expect(JSON.parse((await run("audit", "--until", "2020-01-01", "--json")).stdout).entries).toEqual([]);
});
