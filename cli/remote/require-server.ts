// For commands that work on a server alone.
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { JsonOption } from "../options.ts";
import { type Client, createClient } from "./client.ts";
import type { Server } from "./server.ts";

export interface ServerOptions extends JsonOption {
  /** Set by server.ts, of commands made with withServer. */
  readonly remote?: Server;
}

/** Throws CliError bad_usage. */
export function requireServer({ remote }: ServerOptions, io: Io): Client {
  if (remote) return createClient(remote, io.signal);
  throw new CliError("bad_usage", "This works on a server: name it with --server or --profile.");
}
