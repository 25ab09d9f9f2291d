import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { softgate } from "./test-io.ts";

let folder: string;
let env: { SOFTGATE_STORE: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  env = { SOFTGATE_STORE: `file:${join(folder, "store")}` };
});
afterEach(() => rm(folder, { recursive: true }));

describe("exit code 0", () => {
  it("--help teaches: examples, adapter ids, store URLs, exit codes", async () => {
    const { exitCode, stdout, stderr } = await softgate(["--help"]);
    expect(exitCode).toBe(0);
    for (const taught of ["softgate train --data", "NAME@ALIAS", "s3://", "Exit codes", "SOFTGATE_STORE"]) {
      expect(stdout).toContain(taught);
    }
    expect(stderr).toBe("");
  });

  it("an empty store says what to do next", async () => {
    expect((await softgate(["adapters", "list"], { env })).stdout).toContain("softgate train");
    expect((await softgate(["keys", "list"], { env })).stdout).toContain("softgate keys create");
  });

  it("every list is one JSON document with --json", async () => {
    const adapters = await softgate(["adapters", "list", "--json"], { env });
    expect(JSON.parse(adapters.stdout)).toEqual({ adapters: [] });
    const search = ["--prefix", "a", "--label", "spam", "--backbone", "tiny"];
    const found = await softgate(["adapters", "list", ...search], { env });
    expect(found).toEqual({ exitCode: 0, stdout: "No adapter fits.\n", stderr: "" });
    const keys = await softgate(["keys", "list", "--json"], { env });
    expect(JSON.parse(keys.stdout)).toEqual({ keys: [] });
  });
});

describe("tenants", () => {
  it("one is made once, with a key whose secret is printed alone, and listed with what its name stands for", async () => {
    const create = ["tenants", "create", "acme", "--description", "ACME Inc."];
    const created = await softgate(create, { env });
    expect(created).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sg_\S{46}\n$/) });
    const again = await softgate([...create, "--json"], { env });
    expect([again.exitCode, JSON.parse(again.stderr).error.code]).toEqual([1, "conflict"]);
    expect((await softgate(["tenants", "list"], { env })).stdout).toMatch(/\nacme +20\S+ +ACME Inc\.\n$/);
    const { keys } = JSON.parse((await softgate(["keys", "list", "--json"], { env })).stdout);
    expect(keys).toMatchObject([{ tenant: "acme", scopes: ["classify", "train", "read", "admin"] }]);
  });

  it("limits are set by an operator, and shown beside what is used", async () => {
    const set = await softgate(["tenants", "set-limits", "limited", "--adapters", "3", "--json"], { env });
    expect(JSON.parse(set.stdout)).toMatchObject({ adapters: { used: 0, limit: 3 } });
    const usage = await softgate(["tenants", "usage", "limited", "--recount"], { env });
    expect(usage).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/adapters +0 +3\n/) });
    const rates = [
      "tenants",
      "limits",
      "limited",
      "--requests-per-minute",
      "60",
      "--texts-per-minute",
      "600",
    ];
    expect((await softgate(rates, { env })).stdout).toMatch(/requests a minute +60\ntexts a minute +600\n/);
  });
});

describe("keys", () => {
  it("a secret is printed alone on standard output, and never again", async () => {
    const created = await softgate(["keys", "create", "--tenant", "acme"], { env });
    expect(created.exitCode).toBe(0);
    const secret = created.stdout.trim();
    expect(secret).toMatch(/^sg_\S+$/);
    const list = await softgate(["keys", "list", "--json"], { env });
    expect(list.stdout).toContain('"tenant": "acme"');
    expect(list.stdout).not.toContain(secret);
  });

  it("a revoked key is listed as revoked", async () => {
    const { id } = JSON.parse((await softgate(["keys", "create", "--json"], { env })).stdout);
    expect((await softgate(["keys", "revoke", id], { env })).stdout).toBe(`Revoked ${id}.\n`);
    expect((await softgate(["keys", "list"], { env })).stdout).toContain("revoked 2");
  });

  it("a key is made with scopes and an end, and rotated with an overlap", async () => {
    const made = ["keys", "create", "--scopes", "read,classify", "--expires-in", "90d", "--json"];
    const key = JSON.parse((await softgate(made, { env })).stdout);
    expect(key).toMatchObject({ scopes: ["classify", "read"], expiresAt: expect.any(String) });
    const rotated = await softgate(["keys", "rotate", key.id, "--overlap", "36h"], { env });
    expect(rotated.stderr).toContain(`in place of ${key.id}, which ends at 2`);
    const list = (await softgate(["keys", "list"], { env })).stdout;
    expect(list.match(/classify,read +20\S+ +never +valid until 20/g)).toHaveLength(2);
    expect(list).not.toContain(rotated.stdout.trim());
    expect((await softgate(["audit"], { env })).stdout).toMatch(new RegExp(`rotate_key +${key.id} -> key_`));
    const late = await softgate(["keys", "rotate", key.id, "--json"], { env });
    expect([late.exitCode, JSON.parse(late.stderr).error.code]).toEqual([1, "conflict"]);
  });

  it("--tenant lists one tenant's keys", async () => {
    await softgate(["keys", "create", "--tenant", "alpha"], { env });
    await softgate(["keys", "create", "--tenant", "beta"], { env });
    const { keys } = JSON.parse(
      (await softgate(["keys", "list", "--tenant", "beta", "--json"], { env })).stdout,
    );
    expect(keys).toMatchObject([{ tenant: "beta" }]);
  });
});

describe("exit code 2, bad usage or bad input", () => {
  it.each([
    [["nonsense"], "unknown command"],
    [["keys"], "Name a command"],
    [["keys", "create", "--scopes", "read,root"], "classify, train, read, admin"],
    [["keys", "rotate", "key_1", "--overlap", "31d"], "at most 30d"],
    [["tenants", "create", "A B"], "tenant"],
    [["adapters", "list", "--nope"], "unknown option"],
    [["train", "--name", "x"], "--data"],
    [["serve", "--port", "99999"], "whole number from 0 to 65535"],
    [["serve", "--oidc-issuer", "https://issuer.example"], "--oidc-audience together"],
    [["classify", "--adapter", "a", "--top-k", "0", "text"], "whole number"],
    [["classify", "--adapter", "a"], "Give a text"],
    [["classify", "--adapter", "../a", "text"], "name:3"],
    [["adapters", "show", "../a"], "../a"],
    [["adapters", "list", "--tenant", "A B"], "tenant"],
    [["adapters", "list", "--store", "ftp://x"], "file:PATH"],
  ])("%j", async (args, message) => {
    const { exitCode, stdout, stderr } = await softgate(args, { env });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
    expect([exitCode, stdout]).toEqual([2, ""]);
  });

  it("a dataset that cannot be learned from is told with file and row, and nothing is stored", async () => {
    const data = join(folder, "bad.csv");
    await writeFile(data, "text,label\nhello,greeting\n,greeting\n");
    const args = ["train", "--data", data, "--name", "x"];
    const words = await softgate(args, { env });
    expect([words.exitCode, words.stdout]).toEqual([2, ""]);
    expect(words.stderr).toMatch(/^error: .*bad\.csv/);
    const { stderr } = await softgate([...args, "--json"], { env });
    expect(JSON.parse(stderr).error).toMatchObject({ code: "invalid_dataset", at: { row: 3 } });
    expect((await softgate(["adapters", "list", "--json"], { env })).stdout).toContain("[]");
  });

  it("a training option out of range is named", async () => {
    const data = join(folder, "fine.csv");
    const rows = Array.from({ length: 8 }, (_, row) => `text ${row},label ${row % 2}\n`);
    await writeFile(data, `text,label\n${rows.join("")}`);
    const args = ["train", "--data", data, "--name", "x", "--learning-rate", "7"];
    const { exitCode, stderr } = await softgate(args, { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("learningRate");
  });
});

describe("exit code 3, not found", () => {
  it.each([
    ["adapter_not_found", ["adapters", "show", "none"]],
    ["adapter_not_found", ["classify", "--adapter", "none", "text"]],
    ["invalid_key", ["keys", "revoke", "none"]],
    ["file_unreadable", ["train", "--data", "/nowhere/train.csv", "--name", "x"]],
  ])("%s, as JSON with --json", async (code, args) => {
    const { exitCode, stdout, stderr } = await softgate([...args, "--json"], { env });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
    expect([exitCode, stdout]).toEqual([3, ""]);
  });
});

describe("exit code 4, unreachable", () => {
  it("a store that does not answer", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "a");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "b");
    const store = "s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=local";
    const { exitCode, stderr } = await softgate(["adapters", "list", "--store", store, "--json"]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "store_unreachable" } });
    expect(exitCode).toBe(4);
  });
});

it("SOFTGATE_DEBUG adds the stack", async () => {
  const { stderr } = await softgate(["adapters", "show", "none"], { env: { ...env, SOFTGATE_DEBUG: "1" } });
  expect(stderr).toContain("    at ");
});
