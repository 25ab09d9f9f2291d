// infra/Dockerfile without Docker: its instructions are run in a folder, and what they make is started as the image starts
// it, by another user than the one who owns the files. That base images are there, and Docker's own part, is not shown.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Instruction, parseDockerfile } from "../test/helpers/parse-dockerfile.ts";
import { defaultBackbone } from "../test/helpers/pulled-backbone.ts";
import { findValidators } from "../test/helpers/validators.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const BUILD_MS_MAX = 600_000;
/** Of what the image holds beside its base: the program, the packages beside it, the backbone and what was prepared of it. */
const BYTES_MAX = 250_000_000;
/** "nonroot" of the base image. */
const USER = 65_532;
const validators = await findValidators();
const stages = parseDockerfile(await readFile(join(root, "infra/Dockerfile"), "utf8"));

it.skipIf(validators === undefined)(
  "the Dockerfile passes hadolint, and compose.yaml the schema of compose files",
  async () => {
    await validators?.lintDockerfile(join(root, "infra/Dockerfile"));
    await validators?.checkCompose(join(root, "infra/compose.yaml"));
  },
);

it.skipIf(validators === undefined)(
  "compose starts an API that trains nothing, two trainers, Postgres and an S3 server",
  async () => {
    // biome-ignore lint/suspicious/noExplicitAny: what is not there is undefined, and fails the test
    const [{ services }] = (await validators?.readYaml<any>([join(root, "infra/compose.yaml")])) ?? [];
    expect(Object.keys(services).sort()).toEqual(["api", "bucket", "postgres", "s3", "trainer"]);
    expect(services.api.command.join(" ")).toContain("--trainers 0");
    expect(services.trainer).toMatchObject({ command: ["worker"], deploy: { replicas: 2 } });
    for (const { read_only, cap_drop, security_opt, environment } of [services.api, services.trainer]) {
      expect({ read_only, cap_drop, security_opt }).toEqual({
        ...{ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] },
      });
      expect(environment.DATABASE_URL).toContain("@postgres:5432/");
    }
  },
);

it("the last stage runs as nobody's user, and has a health check", () => {
  const last = stages.at(-1)?.instructions ?? [];
  const textOf = (name: string) => last.find(({ keyword }) => keyword === name)?.text;
  expect(textOf("USER")).toBe(`${USER}:${USER}`);
  expect(textOf("HEALTHCHECK")).toContain("check-health.mjs");
  expect(textOf("STOPSIGNAL")).toBe("SIGTERM");
});

describe.skipIf(process.platform !== "linux" || !defaultBackbone.isThere)(
  "what the Dockerfile builds",
  () => {
    /** Stands for / of the image. */
    let place: string;
    let home: string;

    beforeAll(async () => {
      place = await mkdtemp(join(tmpdir(), "softgate-image-"));
      home = join(place, "softgate");
      // As / can be entered by any user.
      await chmod(place, 0o755);
      // As the base image's; the one that runs this may lie in a folder of root's alone.
      await cp(process.execPath, join(place, "node"));
      await build(stages[0]?.instructions ?? [], place);
      await rm(join(place, "build"), { recursive: true });
      // As COPY leaves them.
      if (process.getuid?.() === 0) await promisify(execFile)("chown", ["-R", "0:0", home]);
    }, BUILD_MS_MAX);
    afterAll(() => rm(place, { recursive: true, force: true }));

    it("is small: no sources, no packages but those that a bundle cannot hold, no other platform", async () => {
      const paths = await readdir(home, { recursive: true });
      const sizes = await Promise.all(paths.map(async (path) => (await stat(join(home, path))).size));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      expect(bytes).toBeLessThan(BYTES_MAX);
      expect(paths.filter((path) => path.includes("libonnxruntime"))).toHaveLength(1);
      expect(paths.filter((path) => path.endsWith(".ts"))).toEqual([]);
      const packages = await readdir(join(home, "node_modules"));
      expect(packages.sort()).toEqual(["@electric-sql", "onnxruntime-common", "onnxruntime-node"]);
    });

    it("serves as a user who may write to none of it, compiles nothing, is healthy, and ends when it is told to", async () => {
      const { server, told, url } = await startImage();
      // As told by NODE_DEBUG_NATIVE: nothing that a start loads had to be compiled.
      const chunks = told().match(/(?<=V8 code cache for ESM \S+\.mjs was ).*/g) ?? [];
      expect(chunks.length).toBeGreaterThan(20);
      expect(chunks.filter((state) => !state.startsWith("accepted"))).toEqual([]);
      const check = (port: string) =>
        promisify(execFile)(join(place, "node"), ["check-health.mjs"], {
          cwd: home,
          env: { SOFTGATE_HEALTH_PORT: port },
        });
      await check(url.port);
      for (const path of ["/errors/unauthenticated", "/docs/scalar.js", "/openapi.json"]) {
        expect((await fetch(new URL(path, url))).status, path).toBe(200);
      }
      await expect(check("9")).rejects.toMatchObject({ code: 1 });
      expect(told()).not.toContain("backbone_prepared");
      server.kill("SIGTERM");
      expect(await once(server, "exit")).toEqual([0, null]);
    });

    async function startImage() {
      const data = join(place, "data");
      await mkdir(data);
      const isRoot = process.getuid?.() === 0;
      if (isRoot) await chown(data, USER, USER);
      const env = {
        NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
        NODE_DEBUG_NATIVE: "COMPILE_CACHE",
        SOFTGATE_CACHE: join(home, "cache"),
        NODE_COMPILE_CACHE: join(home, "cache/compiled"),
        SOFTGATE_STORE: `file:${join(data, "store")}`,
        SOFTGATE_DATA: join(data, "jobs"),
        TMPDIR: data,
      };
      const options = [
        "--json",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--adapter-folder",
        join(data, "adapters"),
      ];
      const server = spawn(join(place, "node"), ["softgate.mjs", "serve", ...options], {
        ...{ cwd: home, env },
        ...(isRoot && { uid: USER, gid: USER }),
      });
      onTestFinished(() => void server.kill("SIGKILL"));
      let words = "";
      server.stderr.on("data", (chunk) => {
        words += chunk;
      });
      const told = () => words;
      return { server, told, url: await urlOf(server, told) };
    }
  },
);

/** The instructions of a stage, run in a folder that stands for /. */
async function build(instructions: readonly Instruction[], place: string): Promise<void> {
  const env: Record<string, string> = {};
  let folder = place;
  const located = (text: string) => text.replaceAll(/(?<![\w./])\/(?=softgate|build)/g, `${place}/`);
  for (const { keyword, text } of instructions) {
    if (text.includes("backbone pull")) await bringBackbone(join(folder, "cache/backbones"));
    if (keyword === "COPY") await copy(text, folder);
    else if (keyword === "WORKDIR") {
      folder = located(text);
      await mkdir(folder, { recursive: true });
    } else if (keyword === "ENV" || keyword === "ARG") {
      const pairs = text.split(" ").map((pair) => pair.split("="));
      for (const [name = "", value = ""] of pairs) env[name] = located(value);
    } else if (keyword === "RUN") {
      const path = `${place}:${dirname(process.execPath)}:${process.env.PATH}`;
      await promisify(execFile)("/bin/sh", ["-ec", located(text)], {
        cwd: folder,
        env: { ...process.env, ...env, PATH: path },
      });
    } else throw new Error(`The build has an instruction of another kind: ${keyword}`);
  }
}

/** What was pulled before need not be downloaded again: the pull finds it, and verifies it. */
async function bringBackbone(cache: string): Promise<void> {
  const { folder } = defaultBackbone;
  const filter = (path: string) => !path.includes("serving-");
  await cp(folder, join(cache, basename(folder)), { recursive: true, filter });
}

/** Of files into a folder, "…/", under their names; of one folder as another. */
async function copy(text: string, folder: string): Promise<void> {
  const paths = text.split(" ");
  const target = paths.pop() ?? "";
  for (const path of paths) {
    const to = target.endsWith("/") ? join(folder, target, basename(path)) : join(folder, target);
    await mkdir(dirname(to), { recursive: true });
    await cp(join(root, path), to, { recursive: true, filter: (source) => !source.endsWith(".test.ts") });
  }
}

/** Where it says it listens. Rejects when it ends. */
function urlOf(server: ChildProcess, told: () => string): Promise<URL> {
  return new Promise((resolve, reject) => {
    let printed = "";
    server.stdout?.on("data", (chunk) => {
      printed += chunk;
      const found = /http:\/\/[\d.]+:\d+/.exec(printed)?.[0];
      if (found !== undefined) resolve(new URL(found));
    });
    server.once("exit", (code) => reject(new Error(`It ended with ${code}: ${told()}`)));
  });
}
