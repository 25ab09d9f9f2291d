// Where guides are run: one cache with a tiny backbone under the default one's id, so that every command is as a reader types it;
// for each page a folder, a store with a key, and a server, where the page asks one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseBackbone } from "#model";
import { createRegistry, KEY_SCOPES, openObjectStore, parseTenantId } from "#registry";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import { folderOfBackbone } from "#registry/backbones/places";
import { startNodeServer } from "../../functions/entry-node.ts";
import { measureFiles, writeRecord } from "../../registry/backbones/record.ts";
import { makeTickets } from "../helpers/tickets.ts";
import { makeTinyBackbone, writeTinyBackbone } from "../helpers/tiny-backbone.ts";
import type { Block } from "./find-blocks.ts";
import type { PageNeeds } from "./pages.ts";

/** A training on a busy machine is in it. */
const BLOCK_MS_MAX = 60_000;
const NOWHERE = "http://127.0.0.1:9";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface GuidePage {
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly needs: PageNeeds;
  /** An interpreter; without, `python3` is the machine's. */
  readonly python: string | undefined;
}

export interface GuidesPlace {
  /** Rejects with page, line, block and output of the first block that fails. What blocks have started is ended. */
  runPage(page: GuidePage): Promise<void>;
  close(): Promise<void>;
}

export async function makeGuidesPlace(): Promise<GuidesPlace> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-guides-"));
  // Not stubbed: stubs end with each test.
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  const backbone = folderOfBackbone(DEFAULT_BACKBONE);
  await writeTinyBackbone(backbone);
  const { digest } = parseBackbone(DEFAULT_BACKBONE, makeTinyBackbone());
  const files = await measureFiles(backbone);
  await writeRecord(backbone, { format: 1, id: DEFAULT_BACKBONE, digest, source: "a test", files });
  return {
    runPage: (page) => runPage(page, join(folder, page.path.replaceAll("/", "-"))),
    close: async () => {
      delete process.env.SOFTGATE_CACHE;
      await rm(folder, { recursive: true, maxRetries: 5 });
    },
  };
}

async function runPage(page: GuidePage, folder: string): Promise<void> {
  const work = join(folder, "work");
  await mkdir(work, { recursive: true });
  await writeFile(join(work, "tickets.csv"), makeTickets({ seed: 1, rowsPerLabel: 8 }).csv);
  for (const name of ["node_modules", "clients"]) await symlink(join(ROOT, name), join(work, name));
  const storeUrl = `file:${join(folder, "store")}`;
  const key = await makeKey(storeUrl);
  const asksServer = page.blocks.some(({ text }) => /\bURL\b/.test(reword(text, page.needs)));
  const server = asksServer ? await startNodeServer({ storeUrl, port: 0, host: "127.0.0.1" }) : undefined;
  const own = { SOFTGATE_STORE: storeUrl, KEY: key, ...(server ? { URL: server.url } : {}) };
  const env = { ...(await environmentOf(page, folder)), ...own };
  const groups: number[] = [];
  try {
    const before: Block = { kind: "sh", line: 0, text: page.needs.before };
    for (const block of [before, ...page.blocks]) {
      const text = reword(block.text, page.needs);
      const { code, output } = await runBlock({ ...block, text }, { folder, env, groups });
      if (code !== 0) {
        throw new Error(
          `docs/${page.path}, line ${block.line}, ended with ${code}:\n${text}\n--- output\n${output}`,
        );
      }
    }
  } finally {
    for (const group of groups) endGroup(group);
    await server?.close();
  }
}

async function makeKey(storeUrl: string): Promise<string> {
  const store = await openObjectStore(storeUrl);
  const { secret } = await createRegistry({ store }).createKey(parseTenantId("acme"), "test", {
    scopes: KEY_SCOPES,
  });
  await store.close();
  return secret;
}

function reword(text: string, { words }: PageNeeds): string {
  return Object.entries(words).reduce((result, [said, run]) => result.replaceAll(said, run), text);
}

/** Nothing of the user's is read or written: no stores, keys and profiles, no home. */
async function environmentOf({ python }: GuidePage, folder: string): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  await writeProgram(join(bin, "softgate"), `exec "${process.execPath}" "${ROOT}cli/main.ts" "$@"`);
  if (python) await writeProgram(join(bin, "python3"), `exec "${python}" "$@"`);
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SOFTGATE_|AWS_|DATABASE_URL$|OTEL_)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: folder,
    // Nothing is fetched.
    HF_ENDPOINT: NOWHERE,
    PIP_NO_INDEX: "1",
    PATH: `${bin}:${process.env.PATH}`,
    PYTHONPATH: join(ROOT, "clients/python"),
    SOFTGATE_CACHE: process.env.SOFTGATE_CACHE,
    SOFTGATE_CONFIG: join(folder, "config"),
  };
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

interface Shell {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the process group of the block is added. */
  readonly groups: number[];
}

/** As in one terminal: a block of sh finds the variables of those before it. */
async function runBlock(
  block: Block,
  { folder, env, groups }: Shell,
): Promise<{ code: unknown; output: string }> {
  const [state, log] = [join(folder, "state"), join(folder, "log")];
  const restore = `if [ -e "${state}" ]; then set +e; . "${state}" 2> /dev/null; set -euo pipefail; fi`;
  const script = `${restore}\ntrap 'declare -p > "${state}"' EXIT\n${await commandOf(block, folder)}`;
  // A file: what a block leaves running holds a pipe open.
  const output = await open(log, "w");
  try {
    const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
      ...{ env, cwd: join(folder, "work"), detached: true, stdio: ["ignore", output.fd, output.fd] },
    });
    const ended = once(child, "exit");
    if (child.pid !== undefined) groups.push(child.pid);
    const timer = setTimeout(() => child.pid !== undefined && endGroup(child.pid), BLOCK_MS_MAX);
    const [code, signal] = await ended.finally(() => clearTimeout(timer));
    const late = signal === null ? code : `${signal} after at most ${BLOCK_MS_MAX} ms`;
    return { code: late, output: await readFile(log, "utf8") };
  } finally {
    await output.close();
  }
}

async function commandOf({ kind, line, text }: Block, folder: string): Promise<string> {
  if (kind === "sh") return text;
  const [program, suffix] = kind === "ts" ? [process.execPath, "mts"] : ["python3", "py"];
  const file = join(folder, "work", `line-${line}.${suffix}`);
  await writeFile(file, text);
  return `"${program}" "${file}"`;
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nothing of it runs any more.
  }
}
