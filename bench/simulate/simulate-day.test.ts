import { describe, expect, it } from "vitest";
import { answerAtRate, capacityOf, fitServer, readLoadRun } from "./server-model.ts";
import { type DayOptions, simulateDay } from "./simulate-day.ts";

/** Of what the run measured: where the model was fitted, and at another rate, which it has not seen. */
const FITTED_WITHIN = 0.1;
const P50_WITHIN = 0.25;
/** At another rate the simulation is rather slower than faster, by no more than this. */
const P99_FACTOR = { min: 0.8, max: 2 };

describe("beside the load run of docs/results", async () => {
  const run = await readLoadRun("load");
  const server = fitServer(run);

  it("it answers as many a second at most", () => {
    const { perSecond } = answerAtRate(server, 10 * run.results.http.median);
    expect(perSecond / run.results.http.median).toBeGreaterThan(1 - FITTED_WITHIN);
    expect(perSecond / run.results.http.median).toBeLessThan(1 + FITTED_WITHIN);
  });

  it("p50, p99 and throughput of the steady stretch come out as they were measured", () => {
    const simulated = answerAtRate(server, run.results.steady.perSecond);
    for (const figure of ["p50Ms", "p99Ms", "perSecond"] as const) {
      const ratio = simulated[figure] / run.results.steady[figure];
      expect(Math.abs(ratio - 1), figure).toBeLessThan(FITTED_WITHIN);
    }
  });

  it("and at a rate that it was not fitted to, p50 nearly so, and p99 rather too long", () => {
    const measured = run.results.others.without;
    const simulated = answerAtRate(server, measured.perSecond);
    expect(Math.abs(simulated.p50Ms / measured.p50Ms - 1)).toBeLessThan(P50_WITHIN);
    expect(simulated.p99Ms / measured.p99Ms).toBeGreaterThan(P99_FACTOR.min);
    expect(simulated.p99Ms / measured.p99Ms).toBeLessThan(P99_FACTOR.max);
  });
});

describe("a day", () => {
  const server = { sessions: 2, passMs: 5, textMs: 4, lengthSpread: 0 };
  const options: DayOptions = {
    ...{ tenants: 200, requests: 200_000, load: 0.6, serversMin: 1, routing: "tenant", server },
    ...{ memoryAdapters: 1_000, diskAdapters: 1_000, diskMs: 3, storeMs: 10, seed: 1 },
  };

  it("reads each adapter from the store once, where all fit into one server", () => {
    const { requests, memoryShare, diskShare, storeShare } = simulateDay(options);
    expect(requests / options.requests).toBeCloseTo(1, 1);
    expect(storeShare * requests).toBeCloseTo(200, 6);
    expect(diskShare).toBe(0);
    expect(memoryShare + storeShare).toBeCloseTo(1, 10);
  });

  it("reads from the disk what memory has no room for, and from the store what neither has", () => {
    const small = simulateDay({ ...options, memoryAdapters: 20 });
    expect(small.storeShare * small.requests).toBeCloseTo(200, 6);
    expect(small.diskShare).toBeGreaterThan(0.1);
    const smaller = simulateDay({ ...options, memoryAdapters: 20, diskAdapters: 50 });
    expect(smaller.storeShare).toBeGreaterThan(small.storeShare);
    expect(smaller.memoryShare).toBeCloseTo(small.memoryShare, 10);
    const none = simulateDay({ ...options, memoryAdapters: 0, diskAdapters: 0 });
    expect(none.storeShare).toBe(1);
  });

  it("has as many servers as its busiest hour needs, and less at night", () => {
    const requests = 4 * 0.6 * capacityOf(server) * 86_400;
    const { servers } = simulateDay({ ...options, tenants: 20, requests: requests / 100, load: 0.006 });
    expect(servers.max).toBe(8);
    expect(servers.min).toBe(1);
    expect(servers.mean).toBeGreaterThan(3);
  });

  it("finds more in memory where a tenant's requests go to one server", () => {
    const many = { ...options, memoryAdapters: 40, diskAdapters: 0, serversMin: 4 };
    const together = simulateDay(many);
    const scattered = simulateDay({ ...many, routing: "any" });
    expect(together.memoryShare).toBeGreaterThan(scattered.memoryShare + 0.05);
    expect(together.p99Ms).toBeLessThanOrEqual(scattered.p99Ms * 1.05);
  });

  it("is the same day again with the same seed", () => {
    expect(simulateDay(options)).toEqual(simulateDay(options));
    expect(simulateDay({ ...options, seed: 2 })).not.toEqual(simulateDay(options));
  });
});
