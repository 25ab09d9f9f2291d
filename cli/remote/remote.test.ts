// The command line on a real server over HTTP, and profiles that name it.
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalIssuer, startLocalIssuer } from "../../test/helpers/local-issuer.ts";
import { softgate } from "../test-io.ts";
import { createTestPlace, type TestPlace } from "../test-place.ts";
import { type SoftgateProcess, startSoftgate, urlOf } from "../test-process.ts";

const START_MS_MAX = 60_000;

let place: TestPlace;
let server: SoftgateProcess;
let issuer: LocalIssuer;
let env: Record<string, string>;
let anywhere: Record<string, string>;

beforeAll(async () => {
  place = await createTestPlace();
  const secret = (await place.run("tenants", "create", "acme")).stdout.trim();
  issuer = await startLocalIssuer();
  const oidc = ["--oidc-issuer", issuer.url, "--oidc-audience", "softgate"];
  const flags = ["--backbone", place.at("tiny"), "--threads", "1", "--port", "0", ...oidc];
  server = startSoftgate(["serve", ...flags, "--store", `file:${place.at("store")}`], {
    SOFTGATE_CACHE: place.at("cache"),
  });
  anywhere = { SOFTGATE_CONFIG: place.at("config") };
  env = { ...anywhere, SOFTGATE_SERVER: await urlOf(server, START_MS_MAX), SOFTGATE_KEY: secret };
}, START_MS_MAX);
afterAll(async () => {
  // In order: else the database of its jobs would still write where everything is removed.
  server.child.kill("SIGTERM");
  await server.ended;
  await issuer.close();
  await place.close();
});

const run = (...args: string[]) => softgate(args, { env });
const jsonOf = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await run(...args, "--json");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout);
};
const errorOf = async (args: string[], given: Record<string, string> = env) => {
  const { exitCode, stderr } = await softgate([...args, "--json"], { env: given });
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return [exitCode, JSON.parse(line).error.code];
};
/** As users start it. */
async function runProcess(args: string[], given: Record<string, string>) {
  const child = startSoftgate(args, { SOFTGATE_CACHE: place.at("cache"), ...given });
  const [exitCode] = await child.ended;
  return { exitCode, stdout: child.stdout(), stderr: child.stderr() };
}

describe("over HTTP", () => {
  it(
    "train uploads, follows the job and publishes, for the key's tenant; the report is written too",
    async () => {
      const train = ["train", "--data", place.at("train.csv"), "--name", "tickets", "--method", "spt"];
      const args = [...train, "--epochs", "1", "--report", place.at("report.json")];
      const { exitCode, stdout, stderr } = await runProcess(args, env);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^Job /) });
      expect(stdout).toMatch(/^tickets:1 is published\.\n {2}examples +\d+/);
      expect(stdout).toContain("Next: softgate classify --adapter tickets");
      const report = JSON.parse(await readFile(place.at("report.json"), "utf8"));
      expect(report).toMatchObject({ name: "tickets", version: 1 });
      const again = await jsonOf(...train, "--epochs", "1", "--seed", "2");
      expect(again).toMatchObject({ adapterId: "tickets:2", version: 2, report: expect.any(Object) });
      const job = await jsonOf("jobs", "show", again.jobId);
      expect(job).toMatchObject({ state: "succeeded" });
      const followed = await run("jobs", "follow", again.jobId);
      expect(followed.stdout).toMatch(/^tickets:2 is published\.\n/);
      const list = ["jobs", "list", "--adapter", "tickets", "--state", "succeeded"];
      const page = await run(...list, "--limit", "1");
      expect(page.stdout).toMatch(new RegExp(`${again.jobId} +20\\S+ +succeeded +tickets:2 +100`));
      const after = /More: --after (\S+)/.exec(page.stderr)?.[1] ?? "";
      expect((await run(...list, "--after", after)).stdout).toContain("tickets:1");
      expect((await run("jobs", "list", "--state", "failed")).stdout).toMatch(/^No jobs\./);
      expect((await errorOf(["jobs", "cancel", again.jobId]))[1]).toBe("job_not_cancellable");
      expect((await errorOf(["jobs", "retry", again.jobId]))[1]).toBe("job_not_retriable");
    },
    START_MS_MAX,
  );

  it("classify answers as in this process, also more texts than one request holds", async () => {
    const classify = ["classify", "--adapter", "tickets:1", "--top-k", "2"];
    const remote = await run(...classify, "I was charged twice");
    const local = await place.run(
      ...classify,
      "I was charged twice",
      "--tenant",
      "acme",
      "--backbone",
      place.at("tiny"),
    );
    const cells = (line: string) => line.split("\t").filter((cell) => Number.isNaN(Number(cell)));
    expect(cells(remote.stdout)).toEqual(cells(local.stdout));
    const stdin = Array.from({ length: 300 }, (_, line) => `text ${line}`);
    const many = await softgate([...classify, "--json"], { env, stdin });
    expect(JSON.parse(many.stdout)).toMatchObject({ version: 1, digest: expect.any(String) });
    expect(JSON.parse(many.stdout).predictions).toHaveLength(300);
    const long = Array.from({ length: 60 }, (_, line) => `text ${line} `.padEnd(20_000, "more "));
    const longOnes = await softgate([...classify, "--json"], { env, stdin: long });
    expect(JSON.parse(longOnes.stdout).predictions).toHaveLength(60);
  });

  it("a file is answered by one version, as in this process", async () => {
    const files = ["--input", place.at("train.csv"), "--output"];
    const classify = [
      "classify",
      "--adapter",
      "tickets:1",
      "--all-scores",
      "--column-prefix",
      "got_",
      ...files,
    ];
    const told = await run(...classify, place.at("remote.csv"));
    expect(told).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("answered by tickets:1") });
    const local = await place.run(
      ...classify,
      place.at("local.csv"),
      "--tenant",
      "acme",
      "--backbone",
      place.at("tiny"),
    );
    expect(local.exitCode).toBe(0);
    const labelsOf = async (name: string) =>
      (await readFile(place.at(name), "utf8")).split("\n").map((line) => line.replaceAll(/,\d\.\d+/g, ""));
    expect(await labelsOf("remote.csv")).toEqual(await labelsOf("local.csv"));
    const { secret } = await jsonOf("keys", "create", "--scopes", "classify");
    const blind = { ...env, SOFTGATE_KEY: secret };
    expect(await errorOf([...classify, place.at("none.csv")], blind)).toEqual([4, "scope_read_missing"]);
  });

  it("adapters are listed, moved, protected, deleted and restored, and the history tells it", async () => {
    expect((await jsonOf("adapters", "list")).adapters).toMatchObject([
      { name: "tickets", latestVersion: 2 },
    ]);
    const local = JSON.parse((await place.run("adapters", "list", "--tenant", "acme", "--json")).stdout);
    expect(await jsonOf("adapters", "list")).toEqual(local);
    expect((await run("adapters", "list", "--prefix", "x")).stdout).toBe("No adapter fits.\n");
    expect((await jsonOf("adapters", "show", "tickets")).versions).toHaveLength(2);
    expect((await run("adapters", "rollback", "tickets", "--why", "worse")).stdout).toBe(
      "tickets@production is tickets:1 now, and was tickets:2.\n",
    );
    expect(await jsonOf("adapters", "alias", "tickets", "canary", "2")).toMatchObject({ version: 2 });
    await run("adapters", "protect", "tickets", "canary", "--metric", "macroF1");
    expect((await run("adapters", "aliases", "tickets")).stdout).toMatch(/canary +2 +macroF1 on heldOut/);
    const forced = ["adapters", "alias", "tickets", "canary", "1", "--force", "--why", "try it"];
    expect((await run(...forced)).exitCode).toBe(0);
    expect((await run("adapters", "retention", "tickets", "--keep", "5")).stdout).toContain("newest 5");
    expect(await jsonOf("adapters", "retention", "tickets")).toMatchObject({
      retention: { keepVersions: 5 },
    });
    expect((await run("adapters", "rm", "tickets:2")).stdout).toContain("tickets:2 is deleted.");
    await run("adapters", "restore", "tickets:2");
    const history = await run("adapters", "history", "tickets", "--limit", "2");
    expect(history.stdout).toMatch(/restore_version +2.*delete_version/s);
    const before = /More: --before (\d+)/.exec(history.stderr)?.[1] ?? "";
    expect((await run("adapters", "history", "tickets", "--before", before)).stdout).toContain("worse");
    await run("adapters", "delete", "tickets", "--force", "--why", "test");
    expect(await errorOf(["adapters", "show", "tickets"])).toEqual([3, "adapter_not_found"]);
    expect((await run("adapters", "restore", "tickets")).stdout).toBe("tickets is there.\n");
  });

  it("report, audit, usage and datasets tell what the server has", async () => {
    expect((await run("report", "tickets@production")).stdout).toMatch(/^tickets:1\n {2}examples/);
    expect(await errorOf(["report", "tickets@none"])).toEqual([3, "alias_not_found"]);
    expect((await run("audit", "--limit", "1")).stdout).toMatch(/key_\w+ +restore_adapter +tickets /);
    expect(await jsonOf("usage")).toMatchObject({ adapters: { used: 1 } });
    const added = await jsonOf("datasets", "upload", place.at("train.csv"));
    expect(added).toMatchObject({ id: expect.stringMatching(/^ds_/), rows: expect.any(Number) });
  });

  it("keys are made, rotated, listed and revoked with the scopes they are given", async () => {
    const key = await jsonOf("keys", "create", "--scopes", "read", "--expires-in", "1h");
    expect(key).toMatchObject({ tenant: "acme", scopes: ["read"], secret: expect.stringMatching(/^sg_/) });
    const reader = { ...env, SOFTGATE_KEY: key.secret };
    expect((await softgate(["adapters", "list"], { env: reader })).exitCode).toBe(0);
    expect(await errorOf(["keys", "list"], reader)).toEqual([4, "scope_admin_missing"]);
    const rotated = await run("keys", "rotate", key.id, "--overlap", "0");
    expect(rotated.stderr).toContain(`in place of ${key.id}`);
    expect((await run("keys", "list")).stdout).toMatch(new RegExp(`${key.id} +acme +read .* expired 20`));
    const revoked = (await jsonOf("keys", "list")).keys.find(
      ({ id }: { id: string }) => id !== key.id && id !== undefined,
    );
    expect(revoked).toBeDefined();
    expect(await errorOf(["adapters", "list"], reader)).toEqual([4, "unauthenticated"]);
  });
});

describe("as users start them", () => {
  it.each([
    [
      ["classify", "--adapter", "tickets", "I was charged twice"],
      /^\w+\t0\.\d+\t(in|out)\tI was charged twice\n$/,
    ],
    [["adapters", "history", "tickets"], /rollback +production/],
    [["report", "tickets"], /^tickets:1\n/],
    [["datasets", "upload", "train.csv"], /^ds_[0-9a-f]{32}\n$/],
    [["usage"], /adapters +1 +10000\n/],
    [["audit"], /upload_dataset/],
    [["keys", "list"], /the first key/],
  ])("%j", async (args, shown) => {
    const paths = args.map((arg) => (arg === "train.csv" ? place.at(arg) : arg));
    const { exitCode, stdout } = await runProcess(paths, env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(shown) });
  });
});

it("a token of the server's issuer stands in for a key, with the scopes it has", async () => {
  const token = await issuer.sign({ tenant: "acme", scope: "softgate:read" });
  const bearer = { ...env, SOFTGATE_KEY: token };
  expect((await softgate(["adapters", "list"], { env: bearer })).stdout).toContain("tickets");
  expect(await errorOf(["keys", "list"], bearer)).toEqual([4, "scope_admin_missing"]);
  const other = await issuer.sign({ tenant: "other", scope: "softgate:read" });
  const listed = await softgate(["adapters", "list"], { env: { ...env, SOFTGATE_KEY: other } });
  expect(listed.stdout).toContain("No adapters yet");
});

it("a server's requests tell when its keys were last used", async () => {
  const { keys } = await jsonOf("keys", "list");
  const used = keys.filter(({ lastUsedAt }: { lastUsedAt?: string }) => lastUsedAt !== undefined);
  expect(used.map(({ description }: { description: string }) => description)).toContain("the first key");
});

describe("refused", () => {
  it.each([
    [["evaluate", "--adapter", "a", "--data", "b.csv"]],
    [["adapters", "export", "a", "--format", "softgate", "--output", "b"]],
    [["adapters", "gc"]],
    [["tenants", "create", "other"]],
    [["store", "fsck"]],
  ])("%j, which works on a store alone, says so", async (args) => {
    const named = await softgate([...args, "--server", env.SOFTGATE_SERVER ?? ""], { env: anywhere });
    expect([named.exitCode, named.stderr]).toEqual([2, expect.stringContaining("does not work over HTTP")]);
    const meant = await softgate(args, { env });
    expect([meant.exitCode, meant.stderr]).toEqual([
      2,
      expect.stringContaining("name the store with --store"),
    ]);
  });

  it.each([
    [["adapters", "list", "--tenant", "other"], "leave --tenant out"],
    [["adapters", "list", "--server", "https://a.example", "--store", "memory:"], "not both"],
    [["adapters", "list", "--server", "ftp://a.example"], "named by its URL"],
    [["train", "--data", "a.csv", "--name", "a", "--sign", "key"], "--sign does not work over HTTP"],
    [["adapters", "list", "--profile", "none"], "no profile none"],
  ])("%j", async (args, message) => {
    const { exitCode, stderr } = await run(...args);
    expect([exitCode > 0, stderr]).toEqual([true, expect.stringContaining(message)]);
  });

  it("no key, a server that is not there, one that is none, and one that leads elsewhere", async () => {
    const { SOFTGATE_SERVER = "" } = env;
    const noKey = await softgate(["adapters", "list"], { env: { ...anywhere, SOFTGATE_SERVER } });
    expect([noKey.exitCode, noKey.stderr]).toEqual([2, expect.stringContaining("SOFTGATE_KEY")]);
    const gone = { ...env, SOFTGATE_SERVER: "http://127.0.0.1:9" };
    expect(await errorOf(["adapters", "list"], gone)).toEqual([4, "server_unreachable"]);
    const wrong = { ...env, SOFTGATE_SERVER: `${SOFTGATE_SERVER}/docs` };
    expect((await errorOf(["adapters", "list"], wrong))[0]).not.toBe(0);
    expect(await errorOf(["jobs", "show", "x"], { ...anywhere, SOFTGATE_STORE: "memory:" })).toEqual([
      2,
      "bad_usage",
    ]);
  });
});

describe("profiles", () => {
  it("are added with a key that the server takes, used by name or always, and forgotten", async () => {
    const { SOFTGATE_SERVER = "", SOFTGATE_KEY = "" } = env;
    const add = ["profiles", "add", "local", "--server", SOFTGATE_SERVER];
    expect(await errorOf([...add, "--key", "sg_x"], anywhere)).toEqual([4, "unauthenticated"]);
    const added = await softgate(add, { env: anywhere, stdin: [SOFTGATE_KEY] });
    expect(added).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("profiles use local") });
    const file = place.at("config/profiles.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const named = await runProcess(["adapters", "list", "--profile", "local"], anywhere);
    expect(named.stdout).toContain("tickets");
    await softgate(["profiles", "use", "local"], { env: anywhere });
    expect((await softgate(["adapters", "list"], { env: anywhere })).stdout).toContain("tickets");
    const listed = await softgate(["profiles", "list"], { env: anywhere });
    expect(listed.stdout).toMatch(/local +http:\S+ +in use\n/);
    expect(listed.stdout).not.toContain(SOFTGATE_KEY);
    const store = { ...anywhere, SOFTGATE_STORE: `file:${place.at("elsewhere")}` };
    expect((await softgate(["adapters", "list"], { env: store })).stdout).toContain("No adapters yet");
    const local = await softgate(["evaluate", "--adapter", "a", "--data", "b.csv"], { env: anywhere });
    expect(local.stderr).toContain("profile local is in use");
    await softgate(["profiles", "use"], { env: anywhere });
    expect((await softgate(["profiles", "list"], { env: anywhere })).stdout).not.toContain("in use");
    await softgate(["profiles", "rm", "local"], { env: anywhere });
    expect(await errorOf(["profiles", "use", "local"], anywhere)).toEqual([3, "profile_not_found"]);
  });

  it("that others may read, or that are damaged, are not used", async () => {
    const folder = place.at("open");
    await mkdir(folder);
    const open = { SOFTGATE_CONFIG: folder };
    const file = join(folder, "profiles.json");
    await writeFile(file, '{"profiles":{}}', { mode: 0o644 });
    const refused = await softgate(["profiles", "list"], { env: open });
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining(`chmod 600 ${file}`)]);
    await chmod(file, 0o600);
    expect((await softgate(["profiles", "list"], { env: open })).exitCode).toBe(0);
    await writeFile(file, "{");
    expect(await errorOf(["profiles", "list"], open)).toEqual([1, "profiles_unreadable"]);
  });
});
