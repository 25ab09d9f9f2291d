// A day of many tenants on as many servers as their requests need: which adapters are in memory when they are asked for,
// what the others wait for, and how long everyone waits. Deterministic by its seed.
import { createRandom } from "#trainer";
import { zipf } from "../load/drive.ts";
import { Histogram } from "./histogram.ts";
import { RecentlyUsed } from "./recently-used.ts";
import { capacityOf } from "./server-model.ts";
import { type ServerModel, ServerQueue } from "./server-queue.ts";

export interface DayOptions {
  readonly tenants: number;
  readonly requests: number;
  /** Share of a server's capacity at which another is started. */
  readonly load: number;
  readonly serversMin: number;
  /** "tenant": a tenant's requests go to one server, as the gateway sends them; "any": to any. */
  readonly routing: "tenant" | "any";
  readonly server: ServerModel;
  /** Adapters that a server keeps in memory, and as files on its disk. */
  readonly memoryAdapters: number;
  readonly diskAdapters: number;
  /** Until an adapter is there that was not in memory. */
  readonly diskMs: number;
  readonly storeMs: number;
  readonly seed: number;
  /** Of the day, after each simulated hour. */
  readonly onHour?: (hour: number) => void;
}

export interface DayResults {
  readonly requests: number;
  /** Shares of requests by where their adapter was; together 1. */
  readonly memoryShare: number;
  readonly diskShare: number;
  readonly storeShare: number;
  /** Adapters read from the store. */
  readonly storeLoadsPerSecond: { readonly mean: number; readonly busiestMinute: number };
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly servers: { readonly min: number; readonly mean: number; readonly max: number };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** How often servers are counted. */
const SCALE_EVERY_MS = 5 * MINUTE_MS;
/** The busiest moment has so much more than the mean, the quietest as much less. */
const SWING = 0.8;
const BUSIEST_HOUR = 14;

export function simulateDay(options: DayOptions): DayResults {
  const day = new Day(options);
  for (let nowMs = day.next(0); nowMs < DAY_MS; nowMs = day.next(nowMs)) day.ask(nowMs);
  return day.finish();
}

class Day {
  readonly #options: DayOptions;
  readonly #random: () => number;
  readonly #draw: () => number;
  readonly #waits = new Histogram();
  #servers: Server[] = [];
  readonly #counts = { requests: 0, memory: 0, disk: 0, store: 0 };
  readonly #perMinute = new Float64Array(DAY_MS / MINUTE_MS);
  readonly #serverCounts: number[] = [];

  constructor(options: DayOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#draw = zipf(options.tenants, this.#random);
  }

  /** The moment of the next request. */
  next(nowMs: number): number {
    return nowMs - Math.log(1 - this.#random()) / (this.#perSecondAt(nowMs) / 1_000);
  }

  ask(nowMs: number): void {
    while (this.#serverCounts.length <= nowMs / SCALE_EVERY_MS) this.#scale();
    const tenant = this.#draw();
    const { routing } = this.#options;
    const count = this.#servers.length;
    const at = routing === "tenant" ? jumpHash(tenant, count) : Math.floor(this.#random() * count);
    const tier = this.#servers[at]?.ask(tenant, nowMs) ?? "store";
    this.#counts.requests += 1;
    this.#counts[tier] += 1;
    if (tier === "store") {
      const minute = Math.floor(nowMs / MINUTE_MS);
      this.#perMinute[minute] = (this.#perMinute[minute] ?? 0) + 1;
    }
  }

  finish(): DayResults {
    for (const server of this.#servers) server.finish();
    const { requests, memory, disk, store } = this.#counts;
    const counts = this.#serverCounts;
    return {
      requests,
      memoryShare: memory / requests,
      diskShare: disk / requests,
      storeShare: store / requests,
      storeLoadsPerSecond: {
        mean: store / (DAY_MS / 1_000),
        busiestMinute: Math.max(...this.#perMinute) / 60,
      },
      p50Ms: this.#waits.quantile(0.5),
      p99Ms: this.#waits.quantile(0.99),
      servers: {
        min: Math.min(...counts),
        mean: counts.reduce((sum, count) => sum + count, 0) / counts.length,
        max: Math.max(...counts),
      },
    };
  }

  /** As many servers as the next minutes need; one that comes knows no adapter. */
  #scale(): void {
    const atMs = this.#serverCounts.length * SCALE_EVERY_MS;
    if (atMs % HOUR_MS === 0) this.#options.onHour?.(atMs / HOUR_MS);
    const { load, serversMin, server } = this.#options;
    const perSecond = Math.max(this.#perSecondAt(atMs), this.#perSecondAt(atMs + SCALE_EVERY_MS));
    const wanted = Math.max(serversMin, Math.ceil(perSecond / (load * capacityOf(server))));
    for (const leaving of this.#servers.splice(wanted)) leaving.finish();
    while (this.#servers.length < wanted) {
      this.#servers.push(
        new Server(this.#options, { random: this.#random, answered: (ms) => this.#waits.add(ms) }),
      );
    }
    this.#serverCounts.push(wanted);
  }

  #perSecondAt(nowMs: number): number {
    const mean = (1_000 * this.#options.requests) / DAY_MS;
    return mean * (1 + SWING * Math.cos((2 * Math.PI * (nowMs / HOUR_MS - BUSIEST_HOUR)) / 24));
  }
}

class Server {
  readonly #options: DayOptions;
  readonly #memory: RecentlyUsed;
  readonly #disk: RecentlyUsed;
  readonly #queue: ServerQueue;

  constructor(options: DayOptions, of: ConstructorParameters<typeof ServerQueue>[1]) {
    this.#options = options;
    this.#memory = new RecentlyUsed(options.memoryAdapters);
    this.#disk = new RecentlyUsed(options.diskAdapters);
    this.#queue = new ServerQueue(options.server, of);
  }

  /** Where the adapter was. */
  ask(adapter: number, nowMs: number): "memory" | "disk" | "store" {
    const { diskMs, storeMs } = this.#options;
    const tier = this.#memory.ask(adapter) ? "memory" : this.#disk.ask(adapter) ? "disk" : "store";
    this.#queue.ask(nowMs, { memory: 0, disk: diskMs, store: storeMs }[tier]);
    return tier;
  }

  finish(): void {
    this.#queue.finish();
  }
}

/** Lamping & Veach: of `count` places one for each key; with one place more few keys move. */
function jumpHash(key: number, count: number): number {
  const next = createRandom(key);
  let place = 0;
  for (let jump = 0; jump < count; ) {
    place = jump;
    jump = Math.floor((place + 1) / (1 - next()));
  }
  return place;
}
