// How long a server's event loop was held up, as its own metrics tell.

/** What Node's monitor adds to each delay: the time between two of its looks. */
const RESOLUTION_MS = 10;

export interface EventLoopDelays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Delays since the last call: each scrape begins anew. */
export async function readEventLoopDelays(metricsUrl: string): Promise<EventLoopDelays> {
  const response = await fetch(`${metricsUrl}/metrics`);
  const text = await response.text();
  const delayMs = (name: string) => {
    const value = new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, "m").exec(text)?.[1];
    if (value === undefined)
      throw new Error(`invariant: the server's metrics tell its event loop's ${name} delay`);
    return Math.max(0, 1000 * Number(value) - RESOLUTION_MS);
  };
  return { p99Ms: delayMs("p99"), maxMs: delayMs("max") };
}
