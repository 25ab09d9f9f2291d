// The thread that all session threads are started by: a thread takes over from the one that starts it how denormal numbers
// are treated, onnxruntime sets that for the process's first session alone, and the thread of the event loop must not
// have it set. One session it serves itself: a server's first need not wait for a second thread.
import { type MessagePort, parentPort, Worker } from "node:worker_threads";
import { serveSession } from "./serve-session.ts";

/** One for each session that is asked for: its end of the channel. */
export interface ToOrigin {
  readonly port: MessagePort;
}

const parent = parentPort;
if (!parent) throw new Error("invariant: session-origin.ts runs in a thread");
// Where this fails sessions fail too, and say why.
const ready = import("./session.ts").then((room) => room.flushDenormals()).catch(() => undefined);
let isServing = false;

parent.on("message", async ({ port }: ToOrigin) => {
  await ready;
  if (isServing) startThread(port);
  else {
    isServing = true;
    port.once("close", () => {
      isServing = false;
    });
    serveSession(port);
  }
});

function startThread(port: MessagePort): void {
  const thread = new Worker(new URL("./session-thread.ts", import.meta.url), {
    workerData: { port },
    transferList: [port],
  });
  // Its channel closes with it, which tells whoever waits.
  thread.on("error", () => undefined);
}
