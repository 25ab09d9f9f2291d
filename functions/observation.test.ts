import { expect, it, vi } from "vitest";
import { createObservation } from "./observation.ts";
import { NO_TRACER } from "./scope.ts";

/** Port 9 is discard: nothing listens there. */
const nowhere = "http://127.0.0.1:9";

it.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
  { OTEL_EXPORTER_OTLP_ENDPOINT: nowhere, OTEL_SDK_DISABLED: "true" },
  { OTEL_EXPORTER_OTLP_ENDPOINT: nowhere, OTEL_TRACES_EXPORTER: "none" },
])("no OpenTelemetry without an endpoint, or where it is turned off: %o", async (env) => {
  const { tracer, metrics } = await createObservation({}, env);
  expect(tracer).toBe(NO_TRACER);
  expect(metrics).toBeUndefined();
});

it("an endpoint that is no address is refused at the start, by its name", async () => {
  const started = createObservation({}, { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" });
  await expect(started).rejects.toThrow("OTEL_EXPORTER_OTLP_ENDPOINT is no http or https address");
});

it("a collector that is away is said in the log, and holds nothing up", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", nowhere);
  // Of the retries, none after this.
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "100");
  const lines: Record<string, unknown>[] = [];
  const { tracer } = await createObservation({ log: (event) => void lines.push(event) }, process.env);
  tracer.startRequest(undefined).end({ name: "GET /v1/jobs/:id" });
  await tracer.close();
  expect(lines).toEqual([{ event: "traces_not_sent", spans: 1, error: expect.any(String) }]);
});

it("OTEL_TRACES_SAMPLER_ARG 0 keeps no trace that begins here, and those that a caller keeps", async () => {
  const { tracer } = await createObservation(
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: nowhere, OTEL_TRACES_SAMPLER_ARG: "0" },
  );
  expect(tracer.startRequest(undefined).traceparent).toMatch(/-00$/);
  const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  expect(tracer.startRequest(given).traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-.*-01$/);
});
