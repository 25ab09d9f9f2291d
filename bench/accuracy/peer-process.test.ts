// What a peer prints, without Python.
import { describe, expect, it } from "vitest";
import { BenchError } from "../errors.ts";
import { parsePeerLine } from "./peer-process.ts";

describe("a peer's output", () => {
  const result = { accuracy: 0.75, macroF1: 0.5, n: 100, seconds: 12.5, device: "cpu, torch 2.15.0" };

  it("is one line of JSON", () => {
    expect(parsePeerLine(JSON.stringify(result))).toEqual(result);
  });

  it.each([
    ["nothing", undefined],
    ["no JSON", "Traceback"],
    ["a figure that is missing", '{"accuracy":0.75,"macroF1":0.5,"n":100,"device":"cpu"}'],
    ["an accuracy that is none", JSON.stringify({ ...result, accuracy: 75 })],
    ["no number", '{"accuracy":NaN,"macroF1":0.5,"n":100,"seconds":1,"device":"cpu"}'],
  ])("is refused when it is %s", (_, line) => {
    expect(() => parsePeerLine(line)).toThrow(BenchError);
    expect(() => parsePeerLine(line)).toThrow(expect.objectContaining({ code: "peer_failed" }));
  });
});
