// Checks of a server, from outside: whether it lives and is ready, takes the key, and has the same time.
import { RemoteError } from "../errors.ts";
import { createClient, probeServer } from "../remote/client.ts";
import type { Server } from "../remote/server.ts";
import { type Check, ok, problem, warning } from "./finding.ts";

const SKEW_MS_ADVISED = 5_000;

export function serverChecks(server: Server): readonly Check[] {
  return [
    { name: "server", run: (signal) => checkReady(server, signal) },
    { name: "clock", run: (signal) => checkClock(server, signal) },
    { name: "key", run: (signal) => checkKey(server, signal) },
  ];
}

async function checkReady(server: Server, signal: AbortSignal) {
  const live = await probeServer(server, "/livez", signal);
  if (live.status !== 200) {
    return problem(`${server.url}/livez answers ${live.status}`, "Check the URL: is it a Softgate server?");
  }
  const { status } = await probeServer(server, "/readyz", signal);
  if (status === 200) return ok(`${server.url} is ready`);
  return problem(`${server.url} lives and is not ready (${status})`, "Its log says why: not_ready.");
}

async function checkClock(server: Server, signal: AbortSignal) {
  const before = Date.now();
  const { dateMs } = await probeServer(server, "/livez", signal);
  // The field has whole seconds.
  const skewMs = Math.max(0, before - dateMs - 1_000, dateMs - Date.now());
  const said = `the server's clock is ${Math.round(skewMs / 1_000)} s from this one`;
  return skewMs <= SKEW_MS_ADVISED ? ok(said) : warning(said, "Keep both clocks right (NTP).");
}

async function checkKey(server: Server, signal: AbortSignal) {
  try {
    await createClient(server, signal).get("/v1/usage");
    return ok("the server takes it");
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    if (error.status === 403) return ok("the server takes it; it may not read");
    return problem(
      error.publicMessage,
      "Use a key that is valid: softgate keys list on the store's machine.",
    );
  }
}
