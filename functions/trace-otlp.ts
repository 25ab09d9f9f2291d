// Traces by OTLP over HTTP, as the standard OTEL_* variables say. Loaded only where an endpoint is set: the
// SDK takes memory, and time at the start. The only importer of OpenTelemetry.
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import packageJson from "../package.json" with { type: "json" };
import type { OpenSpan, Tracer } from "./scope.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

/** Spans that wait to be sent; more are dropped. */
const SPANS_WAITING_MAX = 2_048;
/** A collector that is away is logged once in this time. */
const FAILURE_LOG_INTERVAL_MS = 60_000;

export function startTracing(options: {
  /** OTEL_TRACES_SAMPLER_ARG: the share of traces begun here that is kept, 0 to 1; all by default. */
  readonly sampleRatio: number;
  readonly log: (event: Record<string, unknown>) => void;
}): Tracer {
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": "softgate", "service.version": packageJson.version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: logFailures(new OTLPTraceExporter(), options.log),
        maxQueueSize: SPANS_WAITING_MAX,
      }),
    ],
  });
  const tracer = provider.getTracer("softgate", packageJson.version);
  const begin = (name: string, parent: Context, kind = SpanKind.INTERNAL, startedMs?: number) => {
    const startTime = startedMs === undefined ? {} : { startTime: epochMs(startedMs) };
    return open(tracer.startSpan(name, { kind, ...startTime }, parent), parent, begin);
  };
  return {
    startRequest: (traceparent) => begin("request", contextOf(traceparent), SpanKind.SERVER),
    resume: (traceparent) => resumed(traceparent, begin),
    // What could not be sent was logged.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

type Begin = (name: string, parent: Context, kind?: SpanKind, startedMs?: number) => OpenSpan;

function open(span: Span, parent: Context, begin: Begin): OpenSpan {
  const own = trace.setSpan(parent, span);
  return {
    traceparent: formatTraceparent(span.spanContext()),
    child: (name, startedMs) => begin(name, own, SpanKind.INTERNAL, startedMs),
    set: (facts) => void span.setAttributes(facts),
    note(facts) {
      for (const [name, value] of Object.entries(facts)) span.setAttribute(`softgate.${name}`, value);
    },
    end({ name, endedMs, errorCode } = {}) {
      if (name !== undefined) span.updateName(name);
      if (errorCode !== undefined) {
        // The code alone: a message may quote what a caller wrote.
        span.setAttribute("error.type", errorCode).setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(endedMs === undefined ? undefined : epochMs(endedMs));
    },
  };
}

function resumed(traceparent: string | undefined, begin: Begin): OpenSpan {
  const parent = contextOf(traceparent);
  return {
    traceparent,
    child: (name, startedMs) => begin(name, parent, SpanKind.INTERNAL, startedMs),
    set: () => undefined,
    note: () => undefined,
    end: () => undefined,
  };
}

function contextOf(traceparent: string | undefined): Context {
  const remote = parseTraceparent(traceparent);
  return remote ? trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true }) : ROOT_CONTEXT;
}

function epochMs(performanceMs: number): number {
  return performance.timeOrigin + performanceMs;
}

function logFailures(exporter: SpanExporter, log: (event: Record<string, unknown>) => void): SpanExporter {
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0 && performance.now() - loggedAtMs >= FAILURE_LOG_INTERVAL_MS) {
          loggedAtMs = performance.now();
          log({
            event: "traces_not_sent",
            spans: spans.length,
            error: String(result.error ?? "no reason given"),
          });
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
