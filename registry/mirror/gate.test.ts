import fc from "fast-check";
import { expect, it } from "vitest";
import { Gate } from "./gate.ts";

it("never lets in more than there is, lets what is larger go alone, and all of it in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.record({ amount: fc.integer({ min: 0, max: 12 }), fails: fc.boolean() }), {
        maxLength: 20,
      }),
      async (scheduler, works) => {
        const gate = new Gate(8);
        let [taken, done] = [0, 0];
        const run = ({ amount, fails }: { amount: number; fails: boolean }) =>
          gate.run(amount, async () => {
            // What needs more than there is takes all.
            taken += Math.min(amount, 8);
            expect(taken).toBeLessThanOrEqual(8);
            await scheduler.schedule(Promise.resolve());
            taken -= Math.min(amount, 8);
            done += 1;
            if (fails) throw new Error("a failed work");
          });
        const running = Promise.allSettled(works.map(run));
        await scheduler.waitFor(running);
        expect((await running).map(({ status }) => status === "rejected")).toEqual(
          works.map(({ fails }) => fails),
        );
        expect([taken, done]).toEqual([0, works.length]);
      },
    ),
  );
});

it("lets in by order of arrival, so that what is large is not passed over for ever", async () => {
  const gate = new Gate(2);
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const start = (name: string, amount: number) =>
    gate.run(amount, () => {
      order.push(name);
      return new Promise<void>((end) => ends.push(end));
    });
  const all = [start("first", 1), start("large", 2), start("small", 1)];
  await Promise.resolve();
  expect(order).toEqual(["first"]);
  for (let next = 0; next < all.length; next += 1) {
    ends[next]?.();
    await all[next];
    await Promise.resolve();
  }
  expect(order).toEqual(["first", "large", "small"]);
});
