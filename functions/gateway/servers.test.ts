import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rendezvousOrder } from "./rendezvous.ts";
import { type Server, Servers } from "./servers.ts";

const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `server-${index}`);

function serversOf(count: number, now?: () => number): Servers {
  const fetch: Server["fetch"] = async () => new Response();
  return new Servers(
    namesOf(count).map((name) => ({ name, url: new URL("http://server"), fetch })),
    now,
  );
}

const NONE: ReadonlySet<string> = new Set();

describe("the order of servers for a key", () => {
  it("is the same wherever it is asked, and a server that goes moves its own keys alone", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 2, max: 12 }), fc.nat(), (key, count, gone) => {
        const names = namesOf(count);
        const order = rendezvousOrder(key, names);
        expect(rendezvousOrder(key, names.toReversed())).toEqual(order);
        const left = names.filter((name) => name !== `server-${gone % count}`);
        expect(rendezvousOrder(key, left)).toEqual(order.filter((name) => left.includes(name)));
      }),
    );
  });

  it("gives each server about as many keys", () => {
    const first = Array.from({ length: 4_000 }, (_, key) => rendezvousOrder(`tenant/${key}`, namesOf(4))[0]);
    for (const name of namesOf(4)) {
      expect(first.filter((one) => one === name).length).toBeGreaterThan(850);
    }
  });
});

describe("a request goes", () => {
  it("to the server of its key, while that one has no more than its share", () => {
    const servers = serversOf(4);
    const key = "tenant/adapter";
    const [home] = rendezvousOrder(key, namesOf(4));
    for (let request = 0; request < 10; request++) {
      const server = servers.take(key, NONE);
      expect(server?.name).toBe(home);
      if (server) servers.release(server, "answered");
    }
  });

  it("elsewhere when many of one key come at once: none has more than 1.25 times its share", () => {
    const servers = serversOf(4);
    const taken = Array.from({ length: 40 }, () => servers.take("tenant/adapter", NONE)?.name);
    for (const name of namesOf(4)) {
      expect(taken.filter((one) => one === name).length).toBeLessThanOrEqual(Math.ceil((1.25 * 40) / 4));
    }
    expect(new Set(taken).size).toBe(4);
  });

  it("past a server that did not answer lately, for longer each time, until it answers", () => {
    let nowMs = 0;
    const servers = serversOf(2, () => nowMs);
    const [home = "", other] = rendezvousOrder("key", namesOf(2));
    const fail = () => {
      const server = servers.take("key", NONE);
      if (server) servers.release(server, "unreachable");
      return server?.name;
    };
    const answer = () => {
      const server = servers.take("key", NONE);
      if (server) servers.release(server, "answered");
      return server?.name;
    };
    expect(fail()).toBe(home);
    expect(answer()).toBe(other);
    nowMs = 1_000;
    expect(fail()).toBe(home);
    nowMs = 2_500;
    expect(answer()).toBe(other);
    nowMs = 3_000;
    expect([answer(), answer()]).toEqual([home, home]);
  });

  it("to one that was not tried, even when all are down; nowhere when all were tried", () => {
    const servers = serversOf(2);
    for (let tries = 0; tries < 2; tries++) {
      const server = servers.take("key", NONE);
      if (server) servers.release(server, "unreachable");
    }
    const first = servers.take("key", NONE)?.name ?? "";
    const second = servers.take("key", new Set([first]))?.name ?? "";
    expect(new Set([first, second]).size).toBe(2);
    expect(servers.take("key", new Set([first, second]))).toBeUndefined();
  });
});
