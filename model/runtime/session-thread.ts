// The thread behind ThreadSession: one session, one message after the other, each answered in its turn.
import { parentPort, workerData } from "node:worker_threads";
import { type Feed, Session, type SessionOptions } from "./session.ts";

export interface ThreadStart {
  /** Of serializeGraph. */
  readonly model: Uint8Array;
  readonly options: SessionOptions;
}

export type ToThread =
  | { readonly feeds: Readonly<Record<string, Feed>>; readonly outputs: readonly string[] }
  | "close";
/** To a loaded session nothing; to a run its outputs. */
export type FromThread = Record<string, Float32Array> | Error;

const port = parentPort;
if (!port) throw new Error("invariant: session-thread.ts runs in a thread");
const { model, options } = workerData as ThreadStart;
const session = await Session.load(model, options);
let last = Promise.resolve();

port.on("message", (message: ToThread) => {
  last = last.then(() => answer(message));
});
port.postMessage({});

async function answer(message: ToThread): Promise<void> {
  if (message === "close") {
    await session.close();
    port?.close();
    return;
  }
  try {
    const results: FromThread = await session.run(message.feeds, message.outputs);
    port?.postMessage(results);
  } catch (error) {
    port?.postMessage(error instanceof Error ? error : new Error(String(error)));
  }
}
