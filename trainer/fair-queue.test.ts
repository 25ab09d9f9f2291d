import fc from "fast-check";
import { expect, it } from "vitest";
import { FairQueue } from "./fair-queue.ts";

it("gives every item once, a tenant's own in order, and no tenant waits for two of another", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", "c")), (tenants) => {
      const queue = new FairQueue<{ tenant: string; order: number }>();
      for (const [order, tenant] of tenants.entries()) queue.add(tenant, { tenant, order });
      expect(queue.length).toBe(tenants.length);
      const taken: { tenant: string; order: number }[] = [];
      for (let item = queue.take(); item; item = queue.take()) {
        const last = taken.at(-1);
        // The same tenant twice running: then no other waits.
        if (last?.tenant === item.tenant) expect(queue.length).toBe(queue.lengthOf(item.tenant));
        taken.push(item);
      }
      expect(taken).toHaveLength(tenants.length);
      for (const tenant of ["a", "b", "c"]) {
        const orders = taken.filter((item) => item.tenant === tenant).map(({ order }) => order);
        expect(orders).toEqual(orders.toSorted((left, right) => left - right));
      }
      expect(queue.length).toBe(0);
    }),
  );
});

it("hands over everything at once when it is emptied", () => {
  const queue = new FairQueue<number>();
  queue.add("a", 1);
  queue.add("b", 2);
  expect(queue.takeAll()).toEqual([1, 2]);
  expect([queue.length, queue.lengthOf("a"), queue.take()]).toEqual([0, 0, undefined]);
});
