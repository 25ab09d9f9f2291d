// A fetch handler on a Node server: listening, its address, and an end that waits, but not for ever.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";

/** Of a request's line and headers, from the connection's first byte. */
export const HEADERS_MS_MAX = 15_000;
/** Of a whole request with its body, whatever its route: routes have lower bounds of their own (limit-body.ts). */
export const REQUEST_MS_MAX = 24 * 60 * 60 * 1_000;
export const HEADERS_BYTES_MAX = 16 * 1024;
/** At once. Those beyond are closed at once: a balancer tries another server. */
export const CONNECTIONS_MAX = 10_000;
/** How often connections are looked at for what takes too long. */
const CHECK_MS = 1_000;

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Named in errors; default "--port". */
  readonly option?: string;
  /** How long close() waits for requests under way. Default 10 s. */
  readonly drainMsMax?: number;
  /** Default HEADERS_MS_MAX. */
  readonly headersMsMax?: number;
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
  const server = createServer(
    {
      headersTimeout: options.headersMsMax ?? HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      maxHeaderSize: HEADERS_BYTES_MAX,
      connectionsCheckingInterval: CHECK_MS,
    },
    getRequestListener((request) => fetch(request)),
  );
  server.maxConnections = CONNECTIONS_MAX;
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
