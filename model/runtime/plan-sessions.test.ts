import { expect, test } from "vitest";
import { planSessions } from "./plan-sessions.ts";

test.each([
  [{}, 1, { sessions: 1, threads: 1 }],
  [{}, 2, { sessions: 2, threads: 1 }],
  [{ threads: 0, sessions: 0 }, 8, { sessions: 8, threads: 1 }],
  [{}, 64, { sessions: 8, threads: 8 }],
  [{ threads: 4 }, 8, { sessions: 2, threads: 4 }],
  [{ threads: 4 }, 2, { sessions: 1, threads: 4 }],
  [{ sessions: 1 }, 4, { sessions: 1, threads: 4 }],
  [{ sessions: 3, threads: 2 }, 4, { sessions: 3, threads: 2 }],
])("%j on %i cores is %j", (asked, cores, plan) => {
  expect(planSessions(asked, cores)).toEqual(plan);
});
