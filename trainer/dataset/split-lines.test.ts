import fc from "fast-check";
import { expect, it } from "vitest";
import { type Line, splitLines } from "./split-lines.ts";

async function linesOf(pieces: readonly Uint8Array[], bytesMax = 1_000): Promise<Line[]> {
  async function* source() {
    yield* pieces;
  }
  const lines: Line[] = [];
  for await (const some of splitLines(source(), bytesMax)) lines.push(...some);
  return lines;
}

const text = ({ bytes }: Line) => (bytes ? Buffer.from(bytes).toString() : undefined);

it("the lines are those of the whole, however it is cut into pieces", async () => {
  const letters = fc.array(fc.constantFrom("a", "ä", "\n"), { maxLength: 60 });
  const cuts = fc.array(fc.nat({ max: 100 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(letters, cuts, async (characters, at) => {
      const whole = Buffer.from(characters.join(""));
      const bounds = [0, ...at.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = bounds.slice(1).map((end, index) => whole.subarray(bounds[index], end));
      const expected = whole.toString().split("\n");
      if (expected.at(-1) === "") expected.pop();
      const lines = await linesOf(pieces);
      expect(lines.map(text)).toEqual(expected);
      expect(lines.map(({ number }) => number)).toEqual(expected.map((_, index) => index + 1));
    }),
  );
});

it("a line that is too long is told as such, and the next one is read", async () => {
  const pieces = ["abc\nabcd", "ef", "g\nabc", "\nabcd\n", "abcde"].map((piece) => Buffer.from(piece));
  expect((await linesOf(pieces, 3)).map(text)).toEqual(["abc", undefined, "abc", undefined, undefined]);
});

it("what is kept of a line does not change with the buffer that it came in", async () => {
  const buffer = Buffer.from("ab");
  async function* reused() {
    yield buffer;
    buffer.write("cd");
    yield buffer;
  }
  const lines: Line[] = [];
  for await (const some of splitLines(reused(), 10)) lines.push(...some);
  expect(lines.map(text)).toEqual(["abcd"]);
});
