// From nothing to the first key, as a process, and what doctor says before and after.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../test/helpers/free-port.ts";
import { postgresFolder, startPostgres } from "../../test/helpers/postgres.ts";
import { softgate } from "../test-io.ts";
import { startSoftgate } from "../test-process.ts";

let folder: string;
let env: Record<string, string>;
const at = (name: string) => join(folder, name);
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-init-"));
  env = { SOFTGATE_CACHE: at("cache"), SOFTGATE_CONFIG: at("config"), SOFTGATE_STORE: `file:${at("store")}` };
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => softgate(args, { env });
const init = (...args: string[]) => run("init", "--file", at("softgate.env"), ...args);

async function listenAnswering(answer?: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (answer === undefined ? socket.destroy() : socket.end(answer)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("softgate init", () => {
  it("makes a store, a tenant and a key, and a file that a shell reads and its owner alone", async () => {
    const { SOFTGATE_STORE: _, ...rest } = env;
    const child = startSoftgate(
      ["init", "--store", `file:${at("store")}`, "--file", at("softgate.env"), "--tenant", "acme"],
      rest,
    );
    expect({ code: (await child.ended)[0], stderr: child.stderr() }).toEqual({ code: 0, stderr: "" });
    expect(child.stdout()).toMatch(/^Store file:\S+store, tenant acme, key key_\w+\.\n/);
    expect(child.stdout()).not.toContain("sg_");
    expect((await stat(at("softgate.env"))).mode & 0o777).toBe(0o600);
    const print = `set -a; . ${at("softgate.env")}; echo "$SOFTGATE_STORE $SOFTGATE_KEY"`;
    const { stdout } = await promisify(execFile)("sh", ["-c", print]);
    expect(stdout).toMatch(new RegExp(`^file:${at("store")} sg_\\S{46}\n$`));
    const { keys } = JSON.parse((await run("keys", "list", "--json")).stdout);
    expect(keys).toMatchObject([{ tenant: "acme", scopes: ["classify", "train", "read", "admin"] }]);
  });

  it("writes over nothing, and makes nothing then", async () => {
    await writeFile(at("softgate.env"), "mine");
    expect(await init()).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await readFile(at("softgate.env"), "utf8")).toBe("mine");
    expect(JSON.parse((await run("tenants", "list", "--json")).stdout)).toEqual({ tenants: [] });
    await rm(at("softgate.env"));
    expect((await init()).exitCode).toBe(0);
    const again = await run("init", "--file", at("other.env"), "--json");
    expect([again.exitCode, JSON.parse(again.stderr).error.code]).toEqual([1, "conflict"]);
    await expect(stat(at("other.env"))).rejects.toThrow();
  });
});

describe("softgate doctor", () => {
  it("of a place where nothing is yet says what to do, and makes no store", async () => {
    const child = startSoftgate(["doctor", "--port", String(await freePort())], env);
    expect((await child.ended)[0]).toBe(0);
    expect(child.stdout()).toMatch(/^ok +versions: softgate \S+, Node 24/);
    expect(child.stdout()).toMatch(/warning +store: file:\S+ is not there yet\n +softgate init makes it\.\n/);
    expect(child.stdout()).toMatch(/warning +backbone: .*\n +softgate backbone pull /);
    await expect(stat(at("store"))).rejects.toThrow();
  });

  it("finds all well after init, as JSON too", async () => {
    await init();
    const { exitCode, stdout } = await run("doctor", "--json", "--port", String(await freePort()));
    const { problems, checks } = JSON.parse(stdout);
    expect([exitCode, problems]).toEqual([0, 0]);
    const states = Object.fromEntries(checks.map(({ name, state }: Record<string, string>) => [name, state]));
    expect(states).toMatchObject({ store: "ok", clock: "ok", permissions: "ok", keys: "ok", port: "ok" });
  });

  it("tells a store of a later Softgate, one that others may read, and one without keys", async () => {
    await mkdir(at("store"));
    await writeFile(at("store/layout.json"), '{"layout":99}');
    await chmod(at("store"), 0o755);
    const { exitCode, stdout, stderr } = await run("doctor", "--port", String(await freePort()));
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/problem +store: This store has layout 99/);
    expect(stdout).toMatch(/warning +permissions: everybody .*\n +chmod -R o-rwx /);
    expect(stdout).toMatch(/warning +keys: there is no key/);
    expect(stderr).toMatch(/error: 1 of \d+ checks failed/);
  });

  it("tells a port that another program has, and a database that is none", async () => {
    const port = await listenAnswering("HTTP/1.1 400 Bad Request\r\n\r\n");
    const checked = async (database: number) => {
      const url = `postgres://user:hunter2@127.0.0.1:${database}/softgate`;
      const args = ["doctor", "--json", "--port", String(port)];
      const { stdout } = await softgate(args, { env: { ...env, DATABASE_URL: url } });
      expect(stdout).not.toContain("hunter2");
      return JSON.parse(stdout).checks.filter(({ name }: { name: string }) => /port|database/.test(name));
    };
    expect(await checked(port)).toMatchObject([
      { name: "database", state: "problem" },
      { name: "port", state: "problem", detail: expect.stringContaining("in use by another program") },
    ]);
    expect(await checked(await listenAnswering())).toMatchObject([{ state: "problem" }, {}]);
  });

  it.skipIf(!postgresFolder)("is let in by a real Postgres, and says which it is", async () => {
    const postgres = await startPostgres(postgresFolder ?? "");
    try {
      const given = { ...env, DATABASE_URL: postgres.url };
      const { stdout } = await softgate(["doctor"], { env: given });
      expect(stdout).toMatch(/ok +database: Postgres \d\d lets us in at 127\.0\.0\.1:\d+\/postgres\n/);
    } finally {
      await postgres.stop();
    }
  });

  it("asks a server from outside", async () => {
    const gone = {
      SOFTGATE_SERVER: "http://127.0.0.1:9",
      SOFTGATE_KEY: "sg_x",
      SOFTGATE_CONFIG: at("config"),
    };
    const { exitCode, stdout } = await softgate(["doctor", "--json"], { env: gone });
    const states = JSON.parse(stdout).checks.map(({ name, state }: Record<string, string>) => [name, state]);
    expect(exitCode).toBe(1);
    expect(states).toEqual([
      ["versions", "ok"],
      ["server", "problem"],
      ["clock", "problem"],
      ["key", "problem"],
    ]);
  });
});
