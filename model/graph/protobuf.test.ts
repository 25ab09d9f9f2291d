import { describe, expect, test } from "vitest";
import { ProtobufWriter } from "./protobuf.ts";

const hex = (writer: ProtobufWriter) => Buffer.from(writer.finish()).toString("hex");

describe("the protobuf writer", () => {
  test.each([
    { value: 0, bytes: "00" },
    { value: 1, bytes: "01" },
    { value: 127, bytes: "7f" },
    { value: 128, bytes: "8001" },
    { value: 300, bytes: "ac02" },
    { value: 2 ** 31, bytes: "8080808008" },
    { value: Number.MAX_SAFE_INTEGER, bytes: "ffffffffffffff0f" },
    { value: 2n ** 63n - 1n, bytes: "ffffffffffffffff7f" },
  ])("writes $value in seven bits a byte, low first", ({ value, bytes }) => {
    expect(hex(new ProtobufWriter().varint(1, value))).toBe(`08${bytes}`);
  });

  test.each([
    { value: -1, bytes: "ffffffffffffffffff01" },
    { value: -2, bytes: "feffffffffffffffff01" },
    { value: -(2n ** 63n), bytes: "80808080808080808001" },
  ])("writes $value as ten bytes of its 64-bit two's complement", ({ value, bytes }) => {
    expect(hex(new ProtobufWriter().varint(1, value))).toBe(`08${bytes}`);
  });

  test("writes a field number above 15 in two bytes", () => {
    expect(hex(new ProtobufWriter().varint(20, 7))).toBe("a00107");
  });

  test("writes floats in four bytes, little endian", () => {
    expect(hex(new ProtobufWriter().float(2, 1.5))).toBe("150000c03f");
  });

  test("writes strings in UTF-8 and nested messages with their lengths in bytes", () => {
    const inner = new ProtobufWriter().string(1, "é").varint(2, 1);
    expect(hex(inner)).toBe("0a02c3a91001");
    expect(hex(new ProtobufWriter().message(7, inner).string(8, ""))).toBe("3a060a02c3a910014200");
  });
});
