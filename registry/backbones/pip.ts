// pip as a way to a package index: on a closed network it is what knows one. It only downloads; nothing is
// installed or run.
import { spawn } from "node:child_process";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Runs a command to its end; rejects with the last line it wrote to stderr. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
) => Promise<void>;

export interface PipOptions {
  readonly run: RunCommand;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how much is there, and at the end. */
  readonly onBytes: (bytes: number) => void;
}

const PROGRESS_MS = 500;

/** Path of the one wheel of a requirement "project==version", in the given folder, which pip fills. */
export async function downloadWheel(
  requirement: string,
  folder: string,
  options: PipOptions,
): Promise<string> {
  const flags = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"];
  const args = ["-m", "pip", "download", ...flags, "--progress-bar", "off", "--dest", folder, requirement];
  // pip downloads below its temporary folder first, where the size can be watched.
  const temporary = join(folder, "temporary");
  await mkdir(temporary, { recursive: true });
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const report = async () => options.onBytes(await largestFile(folder));
  // Files come and go while they are counted; progress is only shown.
  const timer = setInterval(() => void report().catch(() => undefined), PROGRESS_MS);
  try {
    await options.run(process.platform === "win32" ? "python" : "python3", args, {
      env,
      signal: options.signal,
    });
  } finally {
    clearInterval(timer);
  }
  await report();
  const file = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!file) throw new Error("pip left no wheel");
  return join(folder, file);
}

async function largestFile(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return Math.max(0, ...sizes);
}

export const runCommand: RunCommand = (command, args, { env, signal }) =>
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
