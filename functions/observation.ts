// What a Node server tells of itself: log, metrics, traces. Each library is loaded only where it is asked for.
import type { Metrics } from "./metrics.ts";
import { NO_TIMINGS, NO_TRACER, type Timings, type Tracer } from "./scope.ts";

type Log = (event: Record<string, unknown>) => void;
type Env = Readonly<Record<string, string | undefined>>;

export interface Observation {
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly timings: Timings;
  readonly tracer: Tracer;
}

export interface ObservationOptions {
  readonly metricsPort?: number;
  readonly log?: Log;
}

/** Traces by the standard OTEL_* variables of `env`. Rejects with an error that names the one that is wrong. */
export async function createObservation(options: ObservationOptions, env: Env): Promise<Observation> {
  const metrics =
    options.metricsPort === undefined ? undefined : (await import("./metrics.ts")).createMetrics();
  const log: Log = (event) => {
    metrics?.requestLogged(event);
    options.log?.(event);
  };
  const tracer = wantsTraces(env)
    ? (await import("./trace-otlp.ts")).startTracing({ sampleRatio: sampleRatio(env), log })
    : NO_TRACER;
  return { log, metrics, timings: metrics?.timings ?? NO_TIMINGS, tracer };
}

function wantsTraces(env: Env): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none") return false;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) return false;
  // The exporter would send to its default instead.
  if (/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) return true;
  throw new Error("OTEL_EXPORTER_OTLP_ENDPOINT is no http or https address, such as http://localhost:4318.");
}

/** OTEL_TRACES_SAMPLER_ARG, as parentbased_traceidratio has it; what is no share keeps all. */
function sampleRatio({ OTEL_TRACES_SAMPLER_ARG: given }: Env): number {
  const ratio = given === undefined || given === "" ? 1 : Number(given);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
