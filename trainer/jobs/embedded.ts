// The embedded Postgres, PGlite: it runs in a process of its own, so that no statement blocks this one's event loop.
// One connection: statements wait for one another, and for a transaction that is under way.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TrainerError } from "../errors.ts";
import type { JobDatabase, Queryable, Row } from "./database.ts";

/** A folder, or what is forgotten at the end. */
export type EmbeddedPlace = { readonly folder: string } | "memory";

export type EmbeddedRequest =
  | { readonly id: number; readonly text: string; readonly values?: readonly unknown[] }
  | { readonly id: number; readonly listen: string };

export type EmbeddedMessage =
  | { readonly type: "opened" }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "answer"; readonly id: number; readonly rows: Row[] }
  | { readonly type: "error"; readonly id: number; readonly message: string; readonly code?: string }
  | { readonly type: "notification"; readonly channel: string; readonly payload: string };

/** Last characters of its error output that are kept for the log. */
const STDERR_CHARACTERS_MAX = 4_000;
/** The first time, on a busy machine; then it is ended. */
const OPEN_MS_MAX = 120_000;
/** It has this long to close its files; then it is ended. */
const CLOSE_MS_MAX = 5_000;

/** Takes about half a second, and some more the first time. Throws TrainerError jobs_unavailable. */
export async function openEmbedded(place: EmbeddedPlace): Promise<JobDatabase> {
  const folder = place === "memory" ? "" : place.folder;
  const child = fork(fileURLToPath(new URL("./embedded-process.ts", import.meta.url)), [folder], {
    serialization: "advanced",
    // The baseline compiler alone: the optimising one takes seconds, and several times the memory.
    execArgv: ["--liftoff-only", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const connection = new EmbeddedConnection(child, folder || "memory");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), OPEN_MS_MAX);
  try {
    await connection.opened;
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  } finally {
    clearTimeout(tooLong);
  }
}

class EmbeddedConnection implements JobDatabase {
  readonly description: string;
  readonly isShared = false;
  readonly opened: Promise<void>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, PromiseWithResolvers<{ rows: Row[] }>>();
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();
  #ids = 0;
  /** The last statement or transaction in line. */
  #last: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(child: ChildProcess, description: string) {
    this.description = `embedded ${description}`;
    this.#child = child;
    const opened = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.#ended = ended.promise;
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-STDERR_CHARACTERS_MAX);
    });
    child.on("message", (message: EmbeddedMessage) => {
      if (message.type === "opened") opened.resolve();
      else if (message.type === "refused") opened.reject(unavailable(message.message));
      else this.#receive(message);
    });
    const end = (cause: unknown) => {
      this.#failure ??= unavailable("The embedded job database ended.", cause);
      opened.reject(this.#failure);
      for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
      this.#waiting.clear();
      ended.resolve();
    };
    child.on("error", end);
    child.on("exit", (code, signal) => end(new Error(`status ${code ?? signal}\n${stderr}`)));
  }

  query(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    return this.#inTurn(async () => {
      try {
        return await this.#ask({ text, ...(values && { values }) });
      } catch (error) {
        // Several statements may have opened a transaction; outside of one it does nothing.
        if (!this.#failure) await this.#ask({ text: "ROLLBACK" });
        throw error;
      }
    });
  }

  transaction<Value>(work: (tx: Queryable) => Promise<Value>): Promise<Value> {
    return this.#inTurn(async () => {
      await this.#ask({ text: "BEGIN" });
      try {
        const value = await work({ query: (text, values) => this.#ask({ text, ...(values && { values }) }) });
        await this.#ask({ text: "COMMIT" });
        return value;
      } catch (error) {
        if (!this.#failure) await this.#ask({ text: "ROLLBACK" });
        throw error;
      }
    });
  }

  async listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(onPayload));
    await this.#inTurn(() => this.#ask({ listen: channel }));
    return async () => void listeners.delete(onPayload);
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    if (this.#child.connected) this.#child.disconnect();
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS_MAX);
    await this.#ended;
    clearTimeout(kill);
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #ask(
    request: { text: string; values?: readonly unknown[] } | { listen: string },
  ): Promise<{ rows: Row[] }> {
    if (this.#failure) return Promise.reject(this.#failure);
    const answer = Promise.withResolvers<{ rows: Row[] }>();
    this.#ids += 1;
    this.#waiting.set(this.#ids, answer);
    const message: EmbeddedRequest = { id: this.#ids, ...request };
    this.#child.send(message, (error) => {
      if (error) answer.reject(unavailable("The embedded job database does not answer.", error));
    });
    return answer.promise;
  }

  #receive(message: Exclude<EmbeddedMessage, { type: "opened" | "refused" }>): void {
    if (message.type === "notification") {
      for (const tell of this.#listeners.get(message.channel) ?? []) tell(message.payload);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "answer") waiting?.resolve({ rows: message.rows });
    else waiting?.reject(Object.assign(new Error(message.message), { code: message.code }));
  }
}

function unavailable(message: string, cause?: unknown): TrainerError {
  return new TrainerError("jobs_unavailable", message, cause === undefined ? {} : { cause });
}
