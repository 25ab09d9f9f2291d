import { expect, it } from "vitest";
import { STORE_REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";

const items = Array.from({ length: 100 }, (_, index) => index);

it("keeps the order, with no more calls in flight than may be", async () => {
  let [inFlight, most] = [0, 0];
  const results = await mapInParallel(items, async (item) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    for (let turn = 0; turn <= item % 5; turn += 1) await Promise.resolve();
    inFlight -= 1;
    return 2 * item;
  });
  expect(results).toEqual(items.map((item) => 2 * item));
  expect(most).toBe(STORE_REQUESTS_IN_FLIGHT_MAX);
});

it("after a failure begins nothing more, and waits for what is under way", async () => {
  let [begun, ended] = [0, 0];
  const failing = mapInParallel(items, async (item) => {
    begun += 1;
    if (item === 3) throw new Error("the fourth");
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    ended += 1;
  });
  await expect(failing).rejects.toThrow("the fourth");
  expect(begun).toBe(STORE_REQUESTS_IN_FLIGHT_MAX);
  expect(ended).toBe(begun - 1);
});
