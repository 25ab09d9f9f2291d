// A session in a thread of its own. onnxruntime's run holds the thread that calls it for the whole forward
// pass; here that is not the thread of the event loop, which goes on reading requests meanwhile.
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Graph } from "../graph/builder.ts";
import { serializeGraph } from "../graph/serialize.ts";
import type { FromThread, ToThread } from "./serve-session.ts";
import type { Feed, OptimizedFiles, SessionOptions } from "./session.ts";
import type { ToOrigin } from "./session-origin.ts";

interface Pending {
  readonly resolve: (answer: Exclude<FromThread, Error>) => void;
  readonly reject: (error: Error) => void;
}

/** Written by ThreadSession.optimize. */
export interface OptimizedGraph {
  readonly graphFile: string;
}

/** At most one: the session that a server begins with, before the rest of its program is loaded. */
let begun: { readonly name: string; readonly session: ThreadSession } | undefined;

/** Has a thread load a graph that ThreadSession.create will be asked for, with these options. */
export function beginSession(graph: OptimizedGraph, options: SessionOptions): void {
  begun = { name: nameOf(graph, options), session: ThreadSession.begin(graph, options) };
}

/** Nobody will ask for the one that was begun. */
export async function dropBegunSession(): Promise<void> {
  const { session } = begun ?? {};
  begun = undefined;
  await session?.close();
}

function takeBegun(graph: OptimizedGraph, options: SessionOptions): ThreadSession | undefined {
  if (begun?.name !== nameOf(graph, options)) return undefined;
  const { session } = begun;
  begun = undefined;
  return session;
}

function nameOf({ graphFile }: OptimizedGraph, { threads = 0 }: SessionOptions): string {
  return `${threads} ${graphFile}`;
}

let origin: Worker | undefined;

/** This side's end of a channel to a new thread; it closes when the thread ends. */
function startThread(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const message: ToOrigin = { port: port2 };
  origin ??= startOrigin();
  origin.postMessage(message, [port2]);
  return port1;
}

function startOrigin(): Worker {
  const worker = new Worker(new URL("./session-origin.ts", import.meta.url));
  worker.unref();
  // Its threads end with it, and their channels close, which tells whoever waits.
  worker.on("error", () => undefined);
  worker.once("exit", () => {
    origin = undefined;
  });
  return worker;
}

export class ThreadSession {
  readonly #port: MessagePort;
  readonly #pending: Pending[] = [];
  readonly #ended: Promise<void>;
  #loaded: Promise<unknown> = Promise.resolve();
  /** Whether a process stays for its answers. */
  #stays = true;
  #failure: Error | undefined;

  private constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (message: FromThread) => this.#settle(message));
    this.#ended = new Promise((resolve) =>
      port.once("close", () => {
        this.#fail(new Error("The session's thread has ended."));
        resolve();
      }),
    );
  }

  /** Resolves when the session is loaded; one that was begun is taken. */
  static async create(graph: Graph | OptimizedGraph, options: SessionOptions = {}): Promise<ThreadSession> {
    const session =
      ("graphFile" in graph && takeBegun(graph, options)) || ThreadSession.#load(graph, options);
    session.#stays = true;
    session.#port.ref();
    try {
      await session.#loaded;
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** One that loads, and for which no process stays. A failure is told to who takes it. */
  static begin(graph: OptimizedGraph, options: SessionOptions): ThreadSession {
    const session = ThreadSession.#load(graph, options);
    session.#stays = false;
    session.#port.unref();
    return session;
  }

  /** Writes a graph for `create`, as Session.optimize does. */
  static async optimize(graph: Graph, files: OptimizedFiles): Promise<void> {
    const session = new ThreadSession(startThread());
    const model = serializeGraph(graph);
    const optimized = session.#expect();
    session.#post({ kind: "optimize", model, files }, [model.buffer as ArrayBuffer]);
    await optimized.finally(() => session.close());
  }

  static #load(graph: Graph | OptimizedGraph, options: SessionOptions): ThreadSession {
    const session = new ThreadSession(startThread());
    session.#loaded = session.#expect();
    session.#loaded.catch(() => undefined); // Until someone waits for it, a failure must not end the process.
    const model = "graphFile" in graph ? graph.graphFile : serializeGraph(graph);
    // Moved, not copied: it is as large as the backbone.
    const moved = typeof model === "string" ? [] : [model.buffer as ArrayBuffer];
    session.#post({ kind: "load", model, options }, moved);
    return session;
  }

  /**
   * Feeds must name every input of the graph. Those of SharedFloats are read in place, the others are
   * copied. Runs go one after the other.
   */
  async run<Output extends string>(
    feeds: Readonly<Record<string, Feed>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Float32Array>> {
    const answer = this.#expect();
    this.#post({ kind: "run", feeds, outputs });
    return (await answer) as Record<Output, Float32Array>;
  }

  /** Waits for what runs. */
  async close(): Promise<void> {
    this.#port.ref();
    if (!this.#failure) this.#post({ kind: "close" });
    await this.#ended;
  }

  /** The next answer: they come in the order of the messages. */
  #expect(): Promise<Exclude<FromThread, Error>> {
    if (this.#failure) return Promise.reject(this.#failure);
    // A process must not end while it waits for an answer, and not stay for a session that is idle.
    if (this.#stays) this.#port.ref();
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
  }

  #post(message: ToThread, moved: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, moved);
  }

  #settle(message: FromThread): void {
    const pending = this.#pending.shift();
    if (this.#pending.length === 0) this.#port.unref();
    if (message instanceof Error) pending?.reject(message);
    else pending?.resolve(message);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }
}
