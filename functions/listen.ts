// A fetch handler on a Node server: listening, its address, and an end that waits, but not for ever.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Named in errors; default "--port". */
  readonly option?: string;
  /** How long close() waits for requests under way. Default 10 s. */
  readonly drainMsMax?: number;
}

export interface Listener {
  readonly url: string;
  /** Takes no new requests, waits for those under way, then cuts the rest off. */
  close(): Promise<void>;
}

export const DRAIN_MS_MAX = 10_000;

/** Rejects with a message for the person who started the server. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  options: ListenOptions,
): Promise<Listener> {
  const server = createServer(getRequestListener((request) => fetch(request)));
  // A connection kept alive past its last answer would hold close() to the end of its bound.
  server.on("request", (_request, response) =>
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(explain(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // Listening on TCP, so never a pipe's name.
  return {
    url: `http://${hostForUrl(options.host)}:${port}`,
    close: () => drain(server, options.drainMsMax ?? DRAIN_MS_MAX),
  };
}

function drain(server: Server, drainMsMax: number): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => server.closeAllConnections(), drainMsMax);
    server.close(() => {
      clearTimeout(cutOff);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function explain(error: Error & { code?: string }, { host, port, option = "--port" }: ListenOptions): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new Error(
        `Port ${port} on ${host} is in use. Choose another with ${option}; 0 takes any free one.`,
        {
          cause: error,
        },
      );
    case "EACCES":
      return new Error(`Port ${port} may not be opened by this user. Choose one above 1023 with ${option}.`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** An address to open: a server on all addresses is reached as localhost. */
function hostForUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
