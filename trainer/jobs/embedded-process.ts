// The process of the embedded Postgres: takes statements by message, one after the other, and answers each. It ends
// with its parent. Its folder is of one process alone: a lock of the operating system holds that, and goes with it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import type { EmbeddedMessage, EmbeddedRequest } from "./embedded.ts";

const LOCK_WAIT_MS_MAX = 2_000;
/** Jobs are few and small: Postgres's own default would take 128 MB. */
const SHARED_BUFFERS = "8MB";

const [folder = ""] = process.argv.slice(2);

// A signal to all processes of a terminal or a service is its parent's to answer: what that still writes must arrive.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

try {
  if (folder === "" || lock(folder)) await serve();
  else {
    refuse(
      `The job database in ${folder} is held by another process. One process may use it; for several, or for workers, set DATABASE_URL to a Postgres server.`,
    );
  }
} catch (error) {
  refuse(
    `The job database in ${folder || "memory"} cannot be opened: ${error instanceof Error ? error.message : error}. Name another folder with --data; or restore this one, or move it away: its jobs are lost then, and no adapter is.`,
  );
}

async function serve(): Promise<void> {
  const startParams = [...PGlite.defaultStartParams, "-c", `shared_buffers=${SHARED_BUFFERS}`];
  const dataDir = folder === "" ? "memory://" : join(folder, "postgres");
  const db = await PGlite.create({ dataDir, startParams });
  process.once("disconnect", () => void db.close().finally(() => process.exit()));
  process.on("message", (request: EmbeddedRequest) => {
    answer(db, request).then(send, (error: Error & { code?: string }) =>
      send({
        type: "error",
        id: request.id,
        message: error.message,
        ...(error.code && { code: error.code }),
      }),
    );
  });
  send({ type: "opened" });
}

async function answer(db: PGlite, request: EmbeddedRequest): Promise<EmbeddedMessage> {
  const { id } = request;
  if ("listen" in request) {
    const { listen: channel } = request;
    await db.listen(channel, (payload) => send({ type: "notification", channel, payload }));
    return { type: "answer", id, rows: [] };
  }
  const { text, values = [] } = request;
  const rows =
    values.length > 0
      ? (await db.query<Record<string, unknown>>(text, [...values])).rows
      : (await db.exec(text)).flatMap((result) => result.rows);
  return { type: "answer", id, rows };
}

/** Of SQLite, which asks the operating system for it: it ends with the process, whatever ends that. */
function lock(path: string): boolean {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  try {
    const holder = new DatabaseSync(join(path, "lock"), { timeout: LOCK_WAIT_MS_MAX });
    holder.exec("BEGIN EXCLUSIVE");
    // Held, not collected.
    process.once("exit", () => holder.close());
    return true;
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
    throw error;
  }
}

function refuse(message: string): void {
  // Ends with its parent.
  process.once("disconnect", () => process.exit());
  send({ type: "refused", message });
}

function send(message: EmbeddedMessage): void {
  if (process.connected) process.send?.(message);
}
