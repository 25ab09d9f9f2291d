import { describe, expect, test } from "vitest";
import { createRandom } from "../../test/helpers/random.ts";
import { Session } from "../runtime/session.ts";
import { GraphBuilder } from "./builder.ts";
import { LOW_RANK_COLUMNS } from "./ops.ts";

const WIDTH = 384;
const TOKENS = 9;

function graph() {
  const builder = new GraphBuilder();
  const update = builder.apply("AddLowRankByRow", [
    ...[builder.input("y", ["R", "T", WIDTH]), builder.input("x", ["R", "T", WIDTH])],
    builder.input("own", ["R", "G", "T", LOW_RANK_COLUMNS]),
    builder.input("down", ["R", "G", WIDTH, LOW_RANK_COLUMNS]),
    builder.input("up", ["R", "G", LOW_RANK_COLUMNS, WIDTH]),
  ]);
  builder.output("sum", update);
  return builder.build();
}

/** One row; every position's own columns are those from `column` of a group, loud others stand in the rest. */
async function sumWith(
  session: Session,
  { rank, groups, group, column }: { rank: number; groups: number; group: number; column: number },
) {
  const own = createRandom(1);
  const draw = (length: number, { normal }: { normal: () => number }) =>
    Float32Array.from({ length }, () => normal());
  const [y, x] = [draw(TOKENS * WIDTH, own), draw(TOKENS * WIDTH, own)];
  const [down_DK, up_KD] = [draw(WIDTH * rank, own), draw(rank * WIDTH, own)];
  const others = createRandom(100 * group + groups);
  const size = groups * LOW_RANK_COLUMNS * WIDTH;
  const [down, up] = [draw(size, others), draw(size, others)];
  for (let d = 0; d < WIDTH; d++)
    down.set(down_DK.subarray(d * rank, (d + 1) * rank), (group * WIDTH + d) * LOW_RANK_COLUMNS + column);
  up.set(up_KD, (group * LOW_RANK_COLUMNS + column) * WIDTH);
  const mask = new Float32Array(groups * TOKENS * LOW_RANK_COLUMNS);
  for (let position = 0; position < TOKENS; position++) {
    const start = (group * TOKENS + position) * LOW_RANK_COLUMNS + column;
    mask.fill(1, start, start + rank);
  }
  const feeds = {
    y: { data: y, shape: [1, TOKENS, WIDTH] },
    x: { data: x, shape: [1, TOKENS, WIDTH] },
    own: { data: mask, shape: [1, groups, TOKENS, LOW_RANK_COLUMNS] },
    down: { data: down, shape: [1, groups, WIDTH, LOW_RANK_COLUMNS] },
    up: { data: up, shape: [1, groups, LOW_RANK_COLUMNS, WIDTH] },
  };
  const { sum } = await session.run(feeds, ["sum"]);
  return { sum, y, x, down_DK, up_KD };
}

describe("AddLowRankByRow", () => {
  test.each([1, 4, 8, 16])(
    "of rank %i gives the same to the last digit, whatever columns stand beside",
    async (rank) => {
      const session = await Session.create(graph(), { threads: 1 });
      try {
        const alone = await sumWith(session, { rank, groups: 1, group: 0, column: 0 });
        for (const [groups, group] of [
          [1, 0],
          [2, 1],
          [9, 4],
          [17, 16],
        ] as const) {
          const { sum } = await sumWith(session, { rank, groups, group, column: LOW_RANK_COLUMNS - rank });
          expect(sum).toEqual(alone.sum);
        }
      } finally {
        await session.close();
      }
    },
  );

  test("is y + (x · down) · up of the own columns, and y where there are none", async () => {
    const session = await Session.create(graph(), { threads: 1 });
    try {
      const rank = 4;
      const { sum, y, x, down_DK, up_KD } = await sumWith(session, { rank, groups: 3, group: 1, column: 4 });
      const position = 5;
      const narrow = Array.from({ length: rank }, (_, k) =>
        x
          .subarray(position * WIDTH, (position + 1) * WIDTH)
          .reduce((total, value, d) => total + value * (down_DK[d * rank + k] ?? 0), 0),
      );
      for (const d of [0, 17, WIDTH - 1]) {
        const update = narrow.reduce((total, value, k) => total + value * (up_KD[k * WIDTH + d] ?? 0), 0);
        expect(sum?.[position * WIDTH + d]).toBeCloseTo((y[position * WIDTH + d] ?? 0) + update, 2);
      }
      const none = await session.run(
        {
          y: { data: y, shape: [1, TOKENS, WIDTH] },
          x: { data: x, shape: [1, TOKENS, WIDTH] },
          own: { data: new Float32Array(), shape: [1, 0, TOKENS, LOW_RANK_COLUMNS] },
          down: { data: new Float32Array(), shape: [1, 0, WIDTH, LOW_RANK_COLUMNS] },
          up: { data: new Float32Array(), shape: [1, 0, LOW_RANK_COLUMNS, WIDTH] },
        },
        ["sum"],
      );
      expect(none.sum).toEqual(y);
    } finally {
      await session.close();
    }
  });
});
