import { expect, it } from "vitest";
import { bar, createProgressLine } from "./progress-line.ts";
import { createTestIo } from "./test-io.ts";

it("on a terminal one line is written over, and removed at the end", () => {
  const { io, printed } = createTestIo({ isTerminal: true });
  const line = createProgressLine(io);
  line.show("Training", "1 %");
  line.show("Training", "2 %");
  line.clear();
  expect(printed().stderr).toBe(`${"\r\u001b[2K"}Training  1 %${"\r\u001b[2K"}Training  2 %${"\r\u001b[2K"}`);
});

it("elsewhere a line comes for a new subject, and every ten seconds", () => {
  const { io, printed, clock } = createTestIo();
  const line = createProgressLine(io);
  line.show("search", "1 %");
  clock.nowMs = 9_999;
  line.show("search", "2 %");
  clock.nowMs = 10_000;
  line.show("search", "3 %");
  line.show("retrain", "4 %");
  line.clear();
  expect(printed()).toEqual({ stdout: "", stderr: "search  1 %\nsearch  3 %\nretrain  4 %\n" });
});

it("silent says nothing", () => {
  const { io, printed } = createTestIo({ isTerminal: true });
  createProgressLine(io, { silent: true }).show("a", "b");
  expect(printed().stderr).toBe("");
});

it("the bar keeps its width whatever it is given", () => {
  expect(bar(0)).toBe("....................   0 %");
  expect(bar(0.5)).toBe("##########..........  50 %");
  expect(bar(1)).toBe("#################### 100 %");
  expect(bar(1.5)).toBe(bar(1));
  expect(bar(-1)).toBe(bar(0));
});
