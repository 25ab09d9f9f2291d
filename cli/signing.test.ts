// Signed versions on the command line, on a tiny made-up backbone: keys, trainings and imports.
import { readFile, stat, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestPlace, type TestPlace } from "./test-place.ts";

let place: TestPlace;
const at = (name: string) => place.at(name);
const run = (...args: string[]) => place.run(...args);
const errorOf = async (...args: string[]) => {
  const { exitCode, stderr } = await run(...args, "--json");
  return [exitCode, JSON.parse(stderr).error.code];
};

beforeAll(async () => {
  place = await createTestPlace();
  for (const name of ["ours", "theirs"]) {
    await writeFile(at(`${name}.pub`), (await run("signing-key", "new", at(`${name}.key`))).stdout);
  }
  await run("tenants", "signing-keys", "add", "default", at("ours.pub"), "--name", "release machine");
  await run("tenants", "signing-keys", "require", "default");
}, 60_000);
afterAll(() => place.close());

describe("softgate signing-key new", () => {
  it("writes the private key for its owner alone, prints the public one alone, and never writes over one", async () => {
    const path = at("new.key");
    const made = await run("signing-key", "new", path);
    expect(made).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n\S+\n-----END PUBLIC KEY-----\n$/),
      stderr: expect.stringMatching(/^Key signing_[0-9a-f]{20}\. /),
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const written = await readFile(path, "utf8");
    expect(written).toContain("BEGIN PRIVATE KEY");
    expect(await errorOf("signing-key", "new", path)).toEqual([3, "file_unreadable"]);
    expect(await readFile(path, "utf8")).toBe(written);
    const told = await run("signing-key", "new", at("json.key"), "--json");
    expect(JSON.parse(told.stdout)).toEqual({
      ...{ id: expect.any(String), publicKey: expect.any(String), file: at("json.key") },
    });
  });
});

describe("softgate tenants signing-keys", () => {
  it("adds, lists, requires and revokes, for one tenant", async () => {
    const manage = (command: string, ...args: string[]) =>
      run("tenants", "signing-keys", command, "managed", ...args);
    const added = JSON.parse((await manage("add", at("theirs.pub"), "--name", "theirs", "--json")).stdout);
    expect((await manage("require")).stdout).toBe("managed requires signatures.\n");
    expect((await manage("list")).stdout).toMatch(
      new RegExp(`^Signatures are required\\.\\nID .*\\n${added.id} +\\S+ +valid +theirs\\n$`),
    );
    expect((await manage("rm", added.id)).stdout).toBe(`${added.id} is revoked.\n`);
    expect((await manage("list")).stdout).toMatch(/revoked 20\S+ +theirs\n$/);
    expect((await manage("require", "--off")).stdout).toBe("managed takes unsigned versions.\n");
    expect(JSON.parse((await manage("list", "--json")).stdout)).toMatchObject({ required: false });
    const { stdout } = await run("audit", "--tenant", "managed");
    expect(stdout).toMatch(
      /require_signatures +no longer.*revoke_signing_key +signing_.*require_signatures +from now on.*add_signing_key +signing_/s,
    );
  });

  it("refuses what is no public key, or not there, and to require what nobody can give", async () => {
    const refused = (...args: string[]) => errorOf("tenants", "signing-keys", ...args);
    expect(await refused("add", "managed", at("nowhere.pub"))).toEqual([3, "file_unreadable"]);
    expect(await refused("add", "managed", at("ours.key"))).toEqual([2, "invalid_signing_key"]);
    expect(await refused("rm", "managed", "signing_0")).toEqual([3, "invalid_key"]);
    expect(await refused("require", "nobody")).toEqual([1, "conflict"]);
  });
});

describe("where signatures are required", () => {
  const train = (...args: string[]) => [
    ...["train", "--data", at("train.csv"), "--name", "tickets", "--method", "spt", "--epochs", "1"],
    ...["--backbone", at("tiny"), ...args],
  ];

  it("a training without a key, or with another's, is refused before it begins", async () => {
    expect(await errorOf(...train())).toEqual([1, "signature_required"]);
    expect(await errorOf(...train("--sign", at("theirs.key")))).toEqual([1, "signature_invalid"]);
    expect(await errorOf(...train("--sign", at("ours.pub")))).toEqual([2, "invalid_signing_key"]);
    expect(await errorOf(...train("--sign", at("none.key")))).toEqual([3, "file_unreadable"]);
    expect((await run("adapters", "list")).stdout).toContain("No adapters yet");
  });

  it("train --sign publishes what is answered, import --sign what was exported, and a revoked key ends both", async () => {
    expect(await run(...train("--sign", at("ours.key"), "--json"))).toMatchObject({
      exitCode: 0,
      stderr: "",
    });
    const classify = ["classify", "--adapter", "tickets", "I was charged twice", "--json"];
    expect((await run(...classify)).exitCode).toBe(0);
    await run("adapters", "export", "tickets", "--format", "softgate", "--output", at("package"));
    const bring = ["adapters", "import", at("package"), "--name", "copy"];
    expect(await errorOf(...bring)).toEqual([1, "signature_required"]);
    expect((await run(...bring, "--sign", at("ours.key"))).exitCode).toBe(0);
    const { keys } = JSON.parse((await run("tenants", "signing-keys", "list", "default", "--json")).stdout);
    const { versions } = JSON.parse((await run("adapters", "show", "copy", "--json")).stdout);
    expect(versions).toMatchObject([{ version: 1, signedBy: keys[0].id }]);
    await run("tenants", "signing-keys", "rm", "default", keys[0].id);
    expect(await errorOf(...classify)).toEqual([1, "signature_invalid"]);
  }, 60_000);
});
