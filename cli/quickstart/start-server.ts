// A server for the quickstart: on the wanted port, or on the next free one.
import { type NodeServer, startNodeServer } from "#functions";
import type { Io } from "../io.ts";

const PORTS_TRIED_MAX = 20;

export async function startServer(
  options: { storeUrl: string; port: number; backbone: string },
  io: Io,
): Promise<NodeServer> {
  const log = (event: Record<string, unknown>) => {
    // Requests are its own, and a job cut off by Ctrl-C is no news: only what went wrong is worth a line.
    if ("error" in event && !io.signal.aborted) io.stderr(`${JSON.stringify(event)}\n`);
  };
  for (let tried = 1; ; tried += 1) {
    const port = options.port + tried - 1;
    try {
      return await startNodeServer({ ...options, port, host: "127.0.0.1", log });
    } catch (error) {
      if (!isPortInUse(error) || tried === PORTS_TRIED_MAX) throw error;
    }
  }
}

function isPortInUse(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
}
