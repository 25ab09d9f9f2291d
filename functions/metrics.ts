// Prometheus metrics of a server: what the classifier and the HTTP side tell, and the process' own.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RuntimeObserver } from "#model";
import type { AdapterFilesObserver } from "#registry";
import { createAdapterMetrics } from "./adapter-metrics.ts";
import type { Timings } from "./scope.ts";

export interface Metrics {
  readonly observer: RuntimeObserver;
  readonly filesObserver: AdapterFilesObserver;
  readonly timings: Timings;
  /** Takes every log event; those of requests count. */
  requestLogged(event: Record<string, unknown>): void;
  /** Read at each scrape. */
  watch(classifier: WatchedClassifier, disk?: { readonly bytes: number }): void;
  /** The text exposition format. */
  render(): Promise<{ body: string; contentType: string }>;
}

interface WatchedClassifier {
  readonly waitingTexts: number;
  readonly cacheStats: Readonly<Record<"adapters" | "bytes" | "memoryBytes", number>>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** A training may take an hour. */
const STEP_SECONDS = [...SECONDS, 60, 180, 600, 1_800, 3_600];
const FILLS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];

/** A registry of its own: several servers in one process count apart. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const seconds = (name: string, help: string) =>
    new Histogram({ name: `softgate_${name}_seconds`, help, buckets: SECONDS, registers });
  const count = (name: string, help: string) =>
    new Counter({ name: `softgate_${name}_total`, help, registers });
  const wait = seconds("queue_wait", "Of each text, from the line to the start of its forward pass.");
  const pack = seconds("pack", "Of each batch, on the event loop.");
  const run = seconds("forward_pass", "Of each batch.");
  const fill = new Histogram({
    name: "softgate_batch_fill_ratio",
    help: "Text tokens over positions of the packed rows.",
    buckets: FILLS,
    registers,
  });
  const texts = count("texts", "Computed.");
  const tokens = count("tokens", "Computed, prompt tokens included.");
  const load = seconds("adapter_load", "Of adapters that were not in memory.");
  const http = new Histogram({
    name: "softgate_http_request_seconds",
    help: "By route, method and status.",
    labelNames: ["route", "method", "status"],
    buckets: SECONDS,
    registers,
  });
  const tiers = createAdapterMetrics(registry);
  return {
    filesObserver: tiers.files,
    observer: {
      ...tiers.runtime,
      passEnded(record) {
        for (const ms of record.waitedMs) wait.observe(ms / 1000);
        pack.observe(record.packMs / 1000);
        run.observe(record.runMs / 1000);
        fill.observe(record.fill);
        texts.inc(record.texts);
        tokens.inc(record.tokens);
      },
      adapterAsked(outcome, milliseconds) {
        tiers.asked.inc({ outcome });
        if (outcome === "loaded" || outcome === "failed") load.observe(milliseconds / 1000);
      },
    },
    timings: stepTimings(registers),
    requestLogged({ event, route, method, status, durationMs }) {
      if (event !== "request") return;
      http.observe(
        { route: String(route), method: String(method), status: String(status) },
        Number(durationMs) / 1000,
      );
    },
    watch(classifier, disk) {
      tiers.watch(classifier, disk);
      const gauge = (name: string, help: string, read: () => number) =>
        new Gauge({
          name: `softgate_${name}`,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      gauge("waiting_texts", "In the line.", () => classifier.waitingTexts);
      gauge("resident_adapters", "In memory.", () => classifier.cacheStats.adapters);
      gauge("resident_adapter_bytes", "Of weights in memory.", () => classifier.cacheStats.bytes);
    },
    render: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  };
}

/** Labels are of closed sets: six steps, their phases, two outcomes. */
function stepTimings(registers: Registry[]): Timings {
  const steps = new Histogram({
    name: "softgate_step_seconds",
    help: "Of each step of a request or a job, by whether it was done.",
    labelNames: ["step", "outcome"],
    buckets: STEP_SECONDS,
    registers,
  });
  const phases = new Histogram({
    name: "softgate_phase_seconds",
    help: "Of each phase of the steps classify and train.",
    labelNames: ["step", "phase"],
    buckets: STEP_SECONDS,
    registers,
  });
  return {
    stepEnded: (step, outcome, milliseconds) => steps.observe({ step, outcome }, milliseconds / 1000),
    phaseEnded: (step, phase, milliseconds) => phases.observe({ step, phase }, milliseconds / 1000),
  };
}
