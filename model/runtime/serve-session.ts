// The far end of a ThreadSession's channel, in whichever thread that is: one session, one message after the other, each
// answered in its turn.
import type { MessagePort } from "node:worker_threads";
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
  | { readonly kind: "close" };

/** To a run its outputs; to the others nothing. */
export type FromThread = Record<string, Float32Array> | Error;

/** Until it is told to close; then the channel is. A failure is an answer. */
export function serveSession(port: MessagePort): void {
  let session: Session | undefined;
  let last = Promise.resolve();

  port.on("message", (message: ToThread) => {
    last = last.then(() => answer(message));
  });

  async function answer(message: ToThread): Promise<void> {
    if (message.kind === "close") {
      // Nobody waits for more than the channel's end; and a thread that starts others must not end by what is thrown here.
      await session?.close().catch(() => undefined);
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
    if (message.kind === "run") {
      if (!session) throw new Error("invariant: a session is loaded before it runs");
      return session.run(message.feeds, message.outputs);
    }
    // Here, so that a failure is an answer.
    const room = await import("./session.ts");
    if (message.kind === "load") session = await room.Session.load(message.model, message.options);
    else await room.Session.optimize(message.model, message.files);
    return {};
  }
}
