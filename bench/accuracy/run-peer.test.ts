// What a peer prints, without Python.
import { describe, expect, it } from "vitest";
import { BenchError } from "../errors.ts";
import { parsePeerLine } from "./run-peer.ts";

describe("a peer's output", () => {
  const result = { accuracy: 0.75, macroF1: 0.5, n: 100, seconds: 12.5 };

  it("is one line of JSON", () => {
    expect(parsePeerLine([JSON.stringify(result)])).toEqual(result);
  });

  it.each([
    ["nothing", []],
    ["no JSON", ["Traceback"]],
    ["a figure that is missing", ['{"accuracy":0.75,"macroF1":0.5,"n":100}']],
    ["an accuracy that is none", [JSON.stringify({ ...result, accuracy: 75 })]],
    ["no number", ['{"accuracy":NaN,"macroF1":0.5,"n":100,"seconds":1}']],
    ["a second line", [JSON.stringify(result), "done"]],
  ])("is refused when it is %s", (_, lines) => {
    expect(() => parsePeerLine(lines)).toThrow(BenchError);
    expect(() => parsePeerLine(lines)).toThrow(expect.objectContaining({ code: "peer_failed" }));
  });
});
