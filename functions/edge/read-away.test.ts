import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readAway } from "./read-away.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const requestOf = (body: ReadableStream) =>
  new Request("http://a.example", { method: "POST", body, duplex: "half" } as RequestInit);

it("what nobody has read is read to its end", async () => {
  let pieces = 0;
  const body = new ReadableStream({
    pull(controller) {
      pieces += 1;
      if (pieces > 20) controller.close();
      else controller.enqueue(new Uint8Array(1024));
    },
  });
  await readAway(requestOf(body));
  expect(pieces).toBe(21);
});

it("of a body without end a bounded part is read", async () => {
  let megabytes = 0;
  const body = new ReadableStream({
    pull(controller) {
      megabytes += 1;
      controller.enqueue(new Uint8Array(1_000_000));
    },
  });
  await readAway(requestOf(body));
  expect(megabytes).toBeLessThan(12);
});

it("a client that waits for its answer before it sends on is not waited for", async () => {
  let isAnswered = false;
  const reading = readAway(requestOf(new ReadableStream())).then(() => {
    isAnswered = true;
  });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(isAnswered).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isAnswered).toBe(true);
  await reading;
});
