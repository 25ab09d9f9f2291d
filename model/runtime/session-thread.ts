// The thread behind ThreadSession: one session, one message after the other, each answered in its turn.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { type MessagePort, workerData } from "node:worker_threads";
import type { Feed, OptimizedFiles, Session, SessionOptions } from "./session.ts";

export type ToThread =
  /** Comes first; see Session.load. */
  | { readonly kind: "load"; readonly model: Uint8Array | string; readonly options: SessionOptions }
  /** See Session.optimize. */
  | { readonly kind: "optimize"; readonly model: Uint8Array; readonly files: OptimizedFiles }
  | {
      readonly kind: "run";
      readonly feeds: Readonly<Record<string, Feed>>;
      readonly outputs: readonly string[];
    }
  | { readonly kind: "measure"; readonly path: string }
  | { readonly kind: "close" };

export interface MeasuredFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** To a run its outputs; to a measure what was measured; to the others nothing. */
export type FromThread = Record<string, Float32Array> | MeasuredFile | Error;

/** Read at once. */
const MEASURE_BYTES = 4 * 1024 * 1024;

const { port }: { port: MessagePort } = workerData;
let session: Session | undefined;
let last = Promise.resolve();

port.on("message", (message: ToThread) => {
  last = last.then(() => answer(message));
});

async function answer(message: ToThread): Promise<void> {
  if (message.kind === "close") {
    await session?.close();
    port.close();
    return;
  }
  try {
    const results: FromThread = await work(message);
    port.postMessage(results);
  } catch (error) {
    port.postMessage(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The model is not kept: the session has its own. */
async function work(message: Exclude<ToThread, { kind: "close" }>): Promise<Exclude<FromThread, Error>> {
  if (message.kind === "measure") return measure(message.path);
  if (message.kind === "run") {
    if (!session) throw new Error("invariant: a session is loaded before it runs");
    return session.run(message.feeds, message.outputs);
  }
  // Here, so that a failure is an answer.
  const { Session } = await import("./session.ts");
  if (message.kind === "load") session = await Session.load(message.model, message.options);
  else await Session.optimize(message.model, message.files);
  return {};
}

function measure(path: string): MeasuredFile {
  const hash = createHash("sha256");
  const block = new Uint8Array(MEASURE_BYTES);
  const file = openSync(path, "r");
  try {
    let bytes = 0;
    for (let read = readSync(file, block); read > 0; read = readSync(file, block)) {
      hash.update(block.subarray(0, read));
      bytes += read;
    }
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    closeSync(file);
  }
}
