import { expect, it } from "vitest";
import { alpha } from "../../test-app.ts";
import { STREAMS_MAX, StreamShares, TENANT_STREAM_TEXTS_MAX, TENANT_STREAMS_MAX } from "./stream-shares.ts";

const { signal } = new AbortController();
const turn = () => new Promise((resolve) => setImmediate(resolve));

function holder() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, letGo: resolve };
}

it("all streams of a tenant together have no more texts in work than its share, and who came first goes first", async () => {
  const share = new StreamShares().open(alpha);
  const first = holder();
  const order: string[] = [];
  const running = share.with(TENANT_STREAM_TEXTS_MAX, signal, first.work);
  const waiting = ["a", "b", "c"].map((name) =>
    share.with(1, signal, async () => {
      order.push(name);
    }),
  );
  await turn();
  expect(order).toEqual([]);
  first.letGo();
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(["a", "b", "c"]);
});

it("work that fails gives its room back", async () => {
  const share = new StreamShares().open(alpha);
  const failing = share.with(TENANT_STREAM_TEXTS_MAX, signal, async () => {
    throw new Error("failed");
  });
  await expect(failing).rejects.toThrow("failed");
  expect(await share.with(TENANT_STREAM_TEXTS_MAX, signal, async () => "ran")).toBe("ran");
});

it("who leaves while it waits makes room for those behind it", async () => {
  const share = new StreamShares().open(alpha);
  const first = holder();
  const running = share.with(1, signal, first.work);
  const leaver = new AbortController();
  const large = share.with(TENANT_STREAM_TEXTS_MAX, leaver.signal, async () => "large");
  const small = share.with(1, signal, async () => "small");
  leaver.abort(new Error("left"));
  await expect(large).rejects.toThrow("left");
  expect(await small).toBe("small");
  first.letGo();
  await running;
});

it("a tenant has a bounded number of streams, and so have all; one that ends makes room", () => {
  const shares = new StreamShares();
  const ofAlpha = Array.from({ length: TENANT_STREAMS_MAX }, () => shares.open(alpha));
  expect(() => shares.open(alpha)).toThrow("8 of your streams are open, and 8 may be");
  ofAlpha[0]?.close();
  shares.open(alpha);
  const left = STREAMS_MAX - TENANT_STREAMS_MAX;
  for (let index = 0; index < left; index++) shares.open(`tenant-${index}` as typeof alpha);
  expect(() => shares.open("one-more" as typeof alpha)).toThrow("of all tenants 256");
});
