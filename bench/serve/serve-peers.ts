// What others would serve the same batch with, each a child process that runs it when told to:
//
//   transformers_js   @huggingface/transformers on onnxruntime, and a head each
//   peft              PyTorch with PEFT, a LoRA adapter of rank 8 each, in one mixed batch
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BenchError } from "../errors.ts";
import type { BenchIo } from "../io.ts";
import { type LineProcess, startLineProcess } from "../line-process.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { peersFolder, preparePython, runPython } from "../python.ts";

export const SERVE_PEERS = ["transformers_js", "peft"] as const;
export type ServePeer = (typeof SERVE_PEERS)[number];

export interface PeerProcess {
  /**
   * Tokenizer, forward pass and heads of all texts, once: together, padded to the longest, as its documentation shows
   * it; or sorted by length, in batches of 16, as who knows its padding would have it.
   */
  run(batches: "together" | "sorted"): Promise<void>;
  close(): Promise<void>;
}

export interface PeerProcessRequest {
  readonly backbone: OpenedBackbone;
  readonly texts: readonly string[];
  readonly classes: number;
  /** 0 lets the peer choose. */
  readonly threads: number;
}

const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));
const PEFT = join(PEERS, "serve_peft.py");
const EXPORT = join(PEERS, "export_onnx.py");
const TRANSFORMERS_JS = join(PEERS, "transformers-js");
const IS_WINDOWS = process.platform === "win32";

/** Installs what it needs when that is missing. Throws BenchError peer_failed. */
export async function startPeer(
  peer: ServePeer,
  request: PeerProcessRequest,
  io: BenchIo,
): Promise<PeerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-peer-"));
  const textsFile = join(folder, "texts.json");
  await writeFile(textsFile, JSON.stringify(request.texts));
  const [command, args] = await (peer === "peft" ? peftCommand : transformersJsCommand)(
    request,
    textsFile,
    io,
  );
  const child = startLineProcess(command, args, io);
  await expectLine(child, "ready", peer);
  return {
    async run(batches) {
      child.send(`run ${batches}`);
      await expectLine(child, "done", peer);
    },
    async close() {
      await child.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Rejects when the child prints another line, or ends. */
async function expectLine({ next }: LineProcess, expected: string, peer: ServePeer): Promise<void> {
  const line = await next();
  if (line === expected) return;
  throw new BenchError(
    "peer_failed",
    `${peer} printed ${JSON.stringify(line)} where ${expected} was due. See its messages above, or name no peer in --peers.`,
  );
}

/** What a pulled backbone does not hold, as the BERT family has it. */
const BERT_TOKENIZER = {
  tokenizer_class: "BertTokenizer",
  model_max_length: 256,
  ...{ pad_token: "[PAD]", cls_token: "[CLS]", sep_token: "[SEP]", unk_token: "[UNK]", mask_token: "[MASK]" },
};

type Start = readonly [command: string, args: string[]];

async function peftCommand(
  { backbone, classes, threads }: PeerProcessRequest,
  textsFile: string,
  io: BenchIo,
): Promise<Start> {
  const files = ["--backbone", backbone.folder, "--texts", textsFile];
  return [await preparePython(io), [PEFT, ...files, "--classes", `${classes}`, "--threads", `${threads}`]];
}

async function transformersJsCommand(
  { backbone, classes, threads }: PeerProcessRequest,
  textsFile: string,
  io: BenchIo,
): Promise<Start> {
  const program = await installTransformersJs(io);
  const models = join(peersFolder(), "onnx");
  const model = backbone.backbone.digest.replace(":", "-");
  await exportModel(join(models, model), backbone, io);
  return [process.execPath, [program, models, model, textsFile, `${classes}`, `${threads}`]];
}

/** A copy of the peer's folder with its packages; complete when serve.mjs is there. */
async function installTransformersJs(io: BenchIo): Promise<string> {
  const folder = join(peersFolder(), "transformers-js");
  const program = join(folder, "serve.mjs");
  if (!existsSync(program)) {
    io.stderr(`Installing what transformers.js needs into ${folder}, once\n`);
    await mkdir(folder, { recursive: true });
    for (const name of ["package.json", "package-lock.json"])
      await copyFile(join(TRANSFORMERS_JS, name), join(folder, name));
    // Scripts would fetch CUDA libraries.
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
    await promisify(execFile)(IS_WINDOWS ? "npm.cmd" : "npm", args, { shell: IS_WINDOWS }).catch((cause) => {
      throw new BenchError("peer_failed", `npm ci failed in ${folder}: ${String(cause)}`, cause);
    });
  }
  await copyFile(join(TRANSFORMERS_JS, "serve.mjs"), program);
  return program;
}

/** The folder that transformers.js reads; it appears by one rename. */
async function exportModel(folder: string, { folder: from }: OpenedBackbone, io: BenchIo): Promise<void> {
  if (existsSync(folder)) return;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(join(partial, "onnx"), { recursive: true });
  for (const name of ["config.json", "tokenizer.json"]) await copyFile(join(from, name), join(partial, name));
  await writeFile(join(partial, "tokenizer_config.json"), JSON.stringify(BERT_TOKENIZER));
  await runPython({
    python: await preparePython(io),
    args: [EXPORT, "--backbone", from, "--out", join(partial, "onnx", "model.onnx")],
    subject: "Exporting the backbone for transformers.js",
    onLine: (line) => io.stderr(`${line}\n`),
    io,
  });
  await rename(partial, folder);
}
