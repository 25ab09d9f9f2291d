import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { SharedFloats } from "./shared-floats.ts";
import { ThreadSession } from "./thread-session.ts";

/** x + x, and a product that takes a while. */
function graph() {
  const builder = new GraphBuilder();
  const x = builder.input("x", ["N", 4]);
  builder.output("sum", builder.apply("Add", [x, x]));
  const large = builder.input("large", ["S", "S"]);
  const square = builder.apply("MatMul", [large, large]);
  builder.output("power", builder.apply("MatMul", [square, square]));
  return builder.build();
}

const SIZE = 700;
const idle = { data: new Float32Array(1), shape: [1, 1] };
const work = { data: new Float32Array(SIZE * SIZE).fill(0.01), shape: [SIZE, SIZE] };
const four = (value: number) => ({ data: Float32Array.of(value, value, value, value), shape: [1, 4] });

describe("a session in a thread", () => {
  let session: ThreadSession;
  beforeAll(async () => {
    session = await ThreadSession.create(graph(), { threads: 1 });
  });
  afterAll(() => session.close());

  test("answers each run with its own outputs, in any number at once", async () => {
    const runs = [1, 2, 3].map((value) => session.run({ x: four(value), large: idle }, ["sum"]));
    const sums = (await Promise.all(runs)).map(({ sum }) => [...sum]);
    expect(sums).toEqual([1, 2, 3].map((value) => Array(4).fill(2 * value)));
  });

  test("leaves the event loop to others while it runs", async () => {
    let turns = 0;
    let isRunning = true;
    const running = session.run({ x: four(1), large: work }, ["power"]).finally(() => {
      isRunning = false;
    });
    while (isRunning) {
      await setTimeout(1);
      turns += 1;
    }
    expect((await running).power[0]).toBeGreaterThan(0);
    expect(turns).toBeGreaterThan(3);
  });

  test("reads shared numbers in place: what is written before a run is seen by it", async () => {
    const floats = new SharedFloats(4);
    for (const value of [5, 6]) {
      floats.view.fill(value);
      const { sum } = await session.run({ x: { data: floats.view, shape: [1, 4] }, large: idle }, ["sum"]);
      expect([...sum]).toEqual(Array(4).fill(2 * value));
    }
  });

  test("rejects a run that fails, and goes on", async () => {
    await expect(session.run({ x: four(1) }, ["sum"])).rejects.toThrow("large");
    const { sum } = await session.run({ x: four(1), large: idle }, ["sum"]);
    expect([...sum]).toEqual([2, 2, 2, 2]);
  });
});

test("a closed session has finished what ran, and refuses more", async () => {
  const session = await ThreadSession.create(graph(), { threads: 1 });
  const running = session.run({ x: four(1), large: work }, ["sum"]);
  await session.close();
  expect([...(await running).sum]).toEqual([2, 2, 2, 2]);
  await expect(session.run({ x: four(1), large: idle }, ["sum"])).rejects.toThrow("ended");
  await session.close();
});

test("the first session is one of many: others answer while it runs, and after it was closed", async () => {
  const open = () => ThreadSession.create(graph(), { threads: 1 });
  const [first, second] = [await open(), await open()];
  const ran = async (session: ThreadSession) => [
    ...(await session.run({ x: four(1), large: idle }, ["sum"])).sum,
  ];
  const long = { data: new Float32Array(4 * SIZE * SIZE), shape: [2 * SIZE, 2 * SIZE] };
  const answered: string[] = [];
  const begun = ran(first);
  const running = first.run({ x: four(1), large: long }, ["power"]).then(() => answered.push("first"));
  // By now the first is at its long run, which holds its thread.
  await begun;
  await ran(second).then(() => answered.push("second"));
  await running;
  expect(answered).toEqual(["second", "first"]);
  await first.close();
  expect(await ran(second)).toEqual([2, 2, 2, 2]);
  const [third, fourth] = await Promise.all([open(), open()]);
  for (const session of [second, third, fourth]) {
    expect(await ran(session)).toEqual([2, 2, 2, 2]);
    await session.close();
  }
});

test.runIf(process.platform === "linux" && process.arch === "x64")(
  "every session's thread takes denormal numbers for 0, and the thread of the event loop does not",
  async () => {
    const sessions = [
      await ThreadSession.create(graph(), { threads: 1 }),
      await ThreadSession.create(graph(), { threads: 1 }),
    ];
    for (const session of sessions) {
      const { sum } = await session.run({ x: four(1e-40), large: idle }, ["sum"]);
      expect([...sum]).toEqual([0, 0, 0, 0]);
      await session.close();
    }
    const [small = 0] = Float64Array.of(1e-310);
    expect(2 * small).toBeGreaterThan(0);
  },
);
