// The bootstrap as npm runs it, on the packages that are installed here: it must find nothing to do.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
}
type Packages = Readonly<Record<string, LockedPackage>>;

// Plain JavaScript has no types to import with it.
const {
  findDifference,
}: {
  findDifference: (
    wanted: Packages,
    installed: Packages,
    options: { production: boolean },
  ) => string | undefined;
} = await import(new URL("install-packages.mjs", import.meta.url).href);

const root = fileURLToPath(new URL("../..", import.meta.url));
const bootstrap = join(root, "infra/bootstrap.mjs");

let folder: string;
let entry: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  // TypeScript that plain JavaScript is not, and a status of its own.
  const program = `const major: number = Number(process.versions.node.split(".")[0]);
if (process.argv[2] === "wait") setInterval(() => undefined, 1000);
process.on("SIGTERM", () => process.exit(7));
process.exitCode = 3;
console.log(JSON.stringify({ major, args: process.argv.slice(2), cwd: process.cwd() }));
`;
  await writeFile(join(folder, "entry.ts"), program);
  entry = relative(root, join(folder, "entry.ts"));
});
afterAll(() => rm(folder, { recursive: true }));

function start(args: readonly string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  return spawn(process.execPath, [bootstrap, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}

describe("an entry", () => {
  it("runs as TypeScript under Node 24 in the caller's folder, with its arguments and status", async () => {
    const child = start([entry, "a b", "--json"]);
    const [[output], [status]] = await Promise.all([once(child.stdout, "data"), once(child, "close")]);
    expect(JSON.parse(String(output))).toMatchObject({ args: ["a b", "--json"], cwd: folder });
    expect(JSON.parse(String(output)).major).toBeGreaterThanOrEqual(24);
    expect(status).toBe(3);
  });

  it("gets the signals sent to the bootstrap", async () => {
    const child = start([entry, "wait"]);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([7, null]);
  });

  it("that ends by a signal ends the bootstrap by the same", async () => {
    const child = start([entry, "wait"]);
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([null, "SIGINT"]);
  });

  it("that is not there is named", async () => {
    const child = start(["cli/none.ts"]);
    const stderr = child.stderr ?? process.stdin;
    const [[output], [status]] = await Promise.all([once(stderr, "data"), once(child, "close")]);
    expect(String(output)).toContain("There is no program cli/none.ts");
    expect(status).toBe(1);
  });
});

describe("the lockfiles are compared", () => {
  const installed = {
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b": { version: "2.0.0", integrity: "sha512-b", dev: true },
  };

  it("the same packages are the same, whatever is only for other platforms", () => {
    const other = { version: "1.0.0", integrity: "sha512-o", optional: true };
    const wanted = { "": { version: "0.1.0" }, ...installed, "node_modules/other-platform": other };
    expect(findDifference(wanted, installed, { production: false })).toBeUndefined();
  });

  it("another version or other bytes are a difference", () => {
    const newer = { ...installed, "node_modules/a": { version: "1.0.1", integrity: "sha512-a" } };
    expect(findDifference(newer, installed, { production: false })).toContain("node_modules/a");
    const other = { ...installed, "node_modules/a": { version: "1.0.0", integrity: "sha512-x" } };
    expect(findDifference(other, installed, { production: false })).toContain("node_modules/a");
  });

  it("a package that only development needs may be absent in production", () => {
    const { "node_modules/b": _, ...production } = installed;
    expect(findDifference(installed, production, { production: true })).toBeUndefined();
    expect(findDifference(installed, production, { production: false })).toContain("node_modules/b");
  });
});

describe.skipIf(process.platform === "win32")("the browser of the tests", () => {
  it("is no folder, no snap, and no program that does not start, whatever the path has first", async () => {
    const places = await Promise.all(
      ["folder", "stub", "snap", "fit"].map(async (name) => {
        const place = join(folder, "path", name);
        await mkdir(name === "folder" ? join(place, "chromium") : place, { recursive: true });
        return place;
      }),
    );
    const [, stub = "", snap = "", fit = ""] = places;
    // As Ubuntu has it where there is no snap of it, and where there is.
    await writeFile(join(stub, "chromium-browser"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const asks = "#!/bin/sh\n[ -x /snap/bin/chromium ] || true\nexit 0\n";
    await writeFile(join(snap, "chromium-browser"), asks, { mode: 0o755 });
    await writeFile(join(fit, "google-chrome"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const script = `import { findChromium } from ${JSON.stringify(new URL("chromium.mjs", import.meta.url).href)};
console.log(await findChromium());`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", script],
      // Nothing of this machine's is on the path, and nothing is unpacked.
      { env: { PATH: places.join(delimiter), SOFTGATE_CACHE: join(folder, "cache"), CI: "1" } },
    );
    expect(stdout.trim()).toBe(join(fit, "google-chrome"));
  });
});
