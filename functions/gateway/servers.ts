// The servers behind the gateway: which of them a request goes to. An adapter's requests go to the same one, where its
// weights are in memory, unless that one has much more to do than the others, or did not answer lately. What is counted
// is of this isolate of the Worker alone: others count theirs.
import { rendezvousOrder } from "./rendezvous.ts";

export interface Server {
  readonly name: string;
  /** Its path is not looked at. */
  readonly url: URL;
  /** Rejects, or answers what is no server's, where it cannot be reached. */
  fetch(request: Request): Promise<Response>;
}

/** Of requests in flight a server may have this many times its share (Mirrokni et al., arXiv 1608.01350). */
const LOAD_FACTOR = 1.25;
/** So long a server that did not answer is asked after all others; twice as long each time, until it answers. */
const DOWN_MS_MIN = 1_000;
const DOWN_MS_MAX = 30_000;

interface Entry {
  readonly server: Server;
  inFlight: number;
  downUntilMs: number;
  downMs: number;
}

export class Servers {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #now: () => number;
  #inFlight = 0;

  constructor(servers: readonly Server[], now: () => number = Date.now) {
    const entries = servers.map(
      (server) => [server.name, { server, inFlight: 0, downUntilMs: 0, downMs: 0 }] as const,
    );
    this.#entries = new Map(entries);
    this.#now = now;
  }

  /** The next for a key, none of those that were tried; undefined when all were. `release` it. */
  take(key: string, tried: ReadonlySet<string>): Server | undefined {
    const order = rendezvousOrder(key, [...this.#entries.keys()]).flatMap((name) => {
      const entry = this.#entries.get(name);
      return entry && !tried.has(name) ? [entry] : [];
    });
    const up = order.filter(({ downUntilMs }) => downUntilMs <= this.#now());
    const shareMax = Math.ceil((LOAD_FACTOR * (this.#inFlight + 1)) / Math.max(1, this.#entries.size));
    const taken = up.find(({ inFlight }) => inFlight < shareMax) ?? up[0] ?? order[0];
    if (!taken) return undefined;
    taken.inFlight += 1;
    this.#inFlight += 1;
    return taken.server;
  }

  /** late: neither, when the request's time was over; it says nothing of the server. */
  release({ name }: Server, outcome: "answered" | "unreachable" | "late"): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    entry.inFlight -= 1;
    this.#inFlight -= 1;
    if (outcome === "late") return;
    const isDown = outcome === "unreachable";
    entry.downMs = isDown ? Math.min(Math.max(2 * entry.downMs, DOWN_MS_MIN), DOWN_MS_MAX) : 0;
    entry.downUntilMs = isDown ? this.#now() + entry.downMs : 0;
  }
}
