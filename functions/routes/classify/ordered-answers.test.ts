import fc from "fast-check";
import { expect, it } from "vitest";
import { OrderedAnswers } from "./ordered-answers.ts";

const options = { inFlightMax: 3, silentMsMax: 10_000 };
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

async function* source(count: number) {
  for (let index = 0; index < count; index++) yield index;
}

it("answers come in the order of the groups, whichever is ready first, and no more than so many are in flight", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 4 }), { maxLength: 12 }), async (delays) => {
      let [now, most] = [0, 0];
      const answers = new OrderedAnswers({
        ...options,
        groups: source(delays.length),
        answer: async (index) => {
          most = Math.max(most, ++now);
          await turns(delays[index] ?? 0);
          now -= 1;
          return index;
        },
      });
      const given: unknown[] = [];
      for (let next = await answers.next(); next !== undefined; next = await answers.next()) given.push(next);
      expect(given).toEqual([...delays.keys()]);
      expect(most).toBeLessThanOrEqual(options.inFlightMax);
    }),
    { numRuns: 50 },
  );
});

it("nothing is read ahead of a reader that takes nothing, beyond what may be in flight", async () => {
  let read = 0;
  async function* counted() {
    while (true) yield read++;
  }
  const answers = new OrderedAnswers({ ...options, groups: counted(), answer: async (index) => index });
  expect(await answers.next()).toBe(0);
  await turns(20);
  expect(read).toBeLessThanOrEqual(1 + options.inFlightMax + 1);
});

it("an answer is given while the source is silent", async () => {
  async function* one() {
    yield "a";
    await new Promise(() => undefined);
  }
  const answers = new OrderedAnswers({ ...options, groups: one(), answer: async (group) => group });
  expect(await answers.next()).toBe("a");
});

it("a source that is silent for too long is told", async () => {
  async function* none() {
    await new Promise(() => undefined);
    yield "never";
  }
  const answers = new OrderedAnswers({ ...options, silentMsMax: 5, groups: none(), answer: async () => "" });
  expect(await answers.next()).toBe("silent");
});

it("a source that fails does so after what it gave before", async () => {
  async function* failing() {
    yield "a";
    throw new Error("broke off");
  }
  const answer = async (group: string) => {
    await turns(3);
    return group;
  };
  const answers = new OrderedAnswers({ ...options, groups: failing(), answer });
  expect(await answers.next()).toBe("a");
  await expect(answers.next()).rejects.toThrow("broke off");
});
