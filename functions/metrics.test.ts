import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { createMetrics } from "./metrics.ts";

const classifier = { waitingTexts: 7, cacheStats: { adapters: 3, bytes: 1_000, memoryBytes: 500 } };

it("counts passes, adapters and requests, and reads the classifier at each scrape", async () => {
  const metrics = createMetrics();
  metrics.watch(classifier, { bytes: 4096 });
  metrics.observer.adapterEvicted("resident");
  metrics.filesObserver.fileRead("store", 300);
  metrics.filesObserver.diskEvicted(2);
  metrics.filesObserver.diskFailed("damaged");
  const pass = { texts: 2, tokens: 30, fill: 0.9375, waitedMs: [4, 40], packMs: 2, runMs: 20 };
  metrics.observer.passEnded(pass);
  metrics.observer.passEnded(pass);
  metrics.observer.adapterAsked("resident", 0);
  metrics.observer.adapterAsked("loaded", 12);
  metrics.requestLogged({
    event: "request",
    route: "/v1/classify",
    method: "POST",
    status: 200,
    durationMs: 30,
  });
  metrics.requestLogged({ event: "started" });
  metrics.timings.stepEnded("train", "failed", 900_000);
  metrics.timings.phaseEnded("classify", "queue_wait", 4);
  const { body, contentType } = await metrics.render();
  expect(contentType).toContain("text/plain");
  for (const line of [
    "softgate_texts_total 4",
    "softgate_tokens_total 60",
    'softgate_queue_wait_seconds_bucket{le="0.005"} 2',
    "softgate_queue_wait_seconds_count 4",
    'softgate_batch_fill_ratio_bucket{le="0.9"} 0',
    'softgate_adapter_requests_total{outcome="resident"} 1',
    'softgate_adapter_requests_total{outcome="loaded"} 1',
    "softgate_adapter_load_seconds_count 1",
    'softgate_http_request_seconds_count{route="/v1/classify",method="POST",status="200"} 1',
    'softgate_step_seconds_bucket{le="600",step="train",outcome="failed"} 0',
    'softgate_step_seconds_bucket{le="1800",step="train",outcome="failed"} 1',
    'softgate_phase_seconds_count{step="classify",phase="queue_wait"} 1',
    "softgate_waiting_texts 7",
    "softgate_resident_adapters 3",
    "softgate_resident_adapter_bytes 1000",
    'softgate_adapter_bytes{tier="resident"} 1000',
    'softgate_adapter_bytes{tier="memory"} 500',
    'softgate_adapter_bytes{tier="disk"} 4096',
    'softgate_adapter_evictions_total{tier="resident"} 1',
    'softgate_adapter_evictions_total{tier="disk"} 2',
    'softgate_adapter_files_read_total{tier="store"} 1',
    'softgate_adapter_file_bytes_read_total{tier="store"} 300',
    'softgate_adapter_disk_failures_total{what="damaged"} 1',
  ]) {
    expect(body.split("\n")).toContain(line);
  }
  expect(body).toContain("nodejs_eventloop_lag_p99_seconds");
});

it("two servers in one process count apart", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.observer.adapterAsked("failed", 1);
  expect((await other.render()).body).not.toContain('outcome="failed"');
});

it("docs/how-to/observe.md names every metric of ours, and no other", async () => {
  const metrics = createMetrics();
  metrics.watch(classifier);
  const { body } = await metrics.render();
  const page = await readFile(new URL("../docs/how-to/observe.md", import.meta.url), "utf8");
  const named = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
  expect(named(page, /`(softgate_\w+)`/g)).toEqual(named(body, /^# TYPE (softgate_\w+)/gm));
});
