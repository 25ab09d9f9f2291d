import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf } from "../../test/helpers/cpu-time.ts";
import { ModelError } from "../errors.ts";
import { parseSafetensors } from "./parse.ts";
import { type HeaderValue, readJson } from "./read-json.ts";
import { roundToHalf, toFloat32 } from "./read-tensor.ts";
import { serializeSafetensors, type TensorToWrite } from "./serialize.ts";
import { transpose } from "./transpose.ts";

/** A file of this header text or bytes, with so many bytes of data; the length field can lie. */
function makeFile(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const headerBytes = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + headerBytes.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(headerBytes.length), true);
  file.set(headerBytes, 8);
  return file;
}

function entry(shape: string, offsets: string, dtype = '"F32"'): string {
  return `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
}

const ONE = entry("[1]", "[0,4]");
const invalidUtf8 = Uint8Array.of(
  ...new TextEncoder().encode('{"a'),
  0xff,
  ...new TextEncoder().encode('":1}'),
);

describe("a file that another reader might take differently is refused, with the problem told", () => {
  const table: [string, Uint8Array, RegExp][] = [
    ["an empty file", new Uint8Array(), /ends after 0 bytes/],
    ["a file of 7 bytes", new Uint8Array(7), /ends after 7 bytes/],
    ["a header of length 0", makeFile("", 16), /does not begin with/],
    ["a header longer than the file", makeFile("{}", 0, 100n), /beyond the end/],
    ["a header length that wraps 64 bits", makeFile("{}", 0, 2n ** 64n - 1n), /more than the/],
    ["a header above the cap", makeFile("{}", 0, 5_000_000n), /more than the 4194304 allowed/],
    ["a leading space", makeFile(' {"a":1}'), /does not begin with '\{'/],
    ["a byte order mark", makeFile("\ufeff{}"), /does not begin with '\{'/],
    ["an array for a header", makeFile("[]        "), /does not begin with '\{'/],
    ["invalid UTF-8", makeFile(invalidUtf8), /not UTF-8/],
    ["a header that does not end", makeFile('{"a":{"dtype":"F32"'), /expected ',' or '\}'/],
    ["text after the header", makeFile("{} {}"), /something follows/],
    ["a NUL after the header", makeFile("{}\0\0\0\0\0\0"), /something follows/],
    ["a comma too much", makeFile(`{"a":${ONE},}`, 4), /expected a key/],
    ["a key without quotes", makeFile("{a:1}     "), /expected a key/],
    ["a tensor named twice", makeFile(`{"a":${ONE},"a":${ONE}}`, 4), /"a" occurs twice/],
    ["a tensor named twice, once escaped", makeFile(`{"a":${ONE},"\\u0061":${ONE}}`, 4), /"a" occurs twice/],
    ["a field given twice", makeFile('{"a":{"dtype":"F32","dtype":"F16"}}'), /"dtype" occurs twice/],
    ["deep nesting", makeFile(`{"a":${"[".repeat(100_000)}`), /nested deeper/],
    ["half a surrogate pair", makeFile(`{"\\ud800":${ONE}}`, 4), /surrogate/],
    ["a raw control character", makeFile(`{"a\u0001":${ONE}}`, 4), /control character/],
    ["a path for a name", makeFile(`{"../../etc/passwd":${ONE}}`, 4), /"\.\.\/\.\.\/etc\/passwd": the name/],
    ["two dots in a name", makeFile(`{"a..b":${ONE}}`, 4), /the name may hold/],
    ["NUL in a name", makeFile(`{"a\\u0000":${ONE}}`, 4), /the name may hold/],
    ["__proto__ for a name", makeFile(`{"__proto__":${ONE}}`, 4), /the name may hold/],
    ["an empty name", makeFile(`{"":${ONE}}`, 4), /the name may hold/],
    ["a name of 300 letters", makeFile(`{"${"a".repeat(300)}":${ONE}}`, 4), /the name may hold/],
    ["an entry that is a number", makeFile('{"a":1}'), /not an object/],
    ["an unknown field", makeFile('{"a":{"dtype":"F32","x":1}}'), /unknown field "x"/],
    ["no dtype", makeFile('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), /dtype must be one of/],
    ["a dtype nobody knows", makeFile(`{"a":${entry("[1]", "[0,4]", '"PICKLE"')}}`, 4), /dtype must be/],
    [
      "a dtype from the prototype",
      makeFile(`{"a":${entry("[1]", "[0,4]", '"toString"')}}`, 4),
      /dtype must be/,
    ],
    ["a dtype that is a number", makeFile(`{"a":${entry("[1]", "[0,4]", "1")}}`, 4), /dtype must be/],
    ["a negative dimension", makeFile(`{"a":${entry("[-1]", "[0,4]")}}`, 4), /whole number/],
    ["a fraction for a dimension", makeFile(`{"a":${entry("[1.0]", "[0,4]")}}`, 4), /whole number/],
    ["an exponent for a dimension", makeFile(`{"a":${entry("[1e0]", "[0,4]")}}`, 4), /whole number/],
    ["a leading zero", makeFile(`{"a":${entry("[01]", "[0,4]")}}`, 4), /whole number/],
    ["a dimension above 2^53", makeFile(`{"a":${entry("[9007199254740993]", "[0,4]")}}`, 4), /whole number/],
    ["a shape that wraps to 0", makeFile(`{"a":${entry("[4294967296,4294967296]", "[0,0]")}}`), /too large/],
    ["a shape of 9 dimensions", makeFile(`{"a":${entry("[1,1,1,1,1,1,1,1,1]", "[0,4]")}}`, 4), /more than 8/],
    ["a shape that is a string", makeFile(`{"a":${entry('"1"', "[0,4]")}}`, 4), /shape must be an array/],
    ["a shape that does not match", makeFile(`{"a":${entry("[2]", "[0,4]")}}`, 4), /takes 8 bytes/],
    ["one offset", makeFile(`{"a":${entry("[1]", "[4]")}}`, 4), /two whole numbers/],
    ["offsets that run backwards", makeFile(`{"a":${entry("[1]", "[4,0]")}}`, 4), /run backwards/],
    ["data beyond the end", makeFile(`{"a":${entry("[2]", "[0,8]")}}`, 4), /ends at 8/],
    ["a hole at the start", makeFile(`{"a":${entry("[1]", "[4,8]")}}`, 8), /a hole of 4 bytes/],
    [
      "a hole between tensors",
      makeFile(`{"a":${ONE},"b":${entry("[1]", "[8,12]")}}`, 12),
      /"b": its data leaves a hole/,
    ],
    [
      "overlapping tensors",
      makeFile(`{"a":${ONE},"b":${entry("[1]", "[2,6]")}}`, 6),
      /"b": its data overlaps/,
    ],
    ["two tensors in one place", makeFile(`{"a":${ONE},"b":${ONE}}`, 4), /overlaps/],
    ["bytes after the last tensor", makeFile(`{"a":${ONE}}`, 5), /1 bytes follow/],
    ["metadata that is no object", makeFile('{"__metadata__":[]}'), /__metadata__ is not an object/],
    ["metadata with a number", makeFile('{"__metadata__":{"a":1}}'), /__metadata__ "a" is not a string/],
    ["true for a value", makeFile('{"a":true}'), /expected an object/],
    [
      "a pickle",
      Uint8Array.of(0x80, 0x04, 0x95, ...new Uint8Array(60)),
      /Python pickle.*save as safetensors/,
    ],
    ["a pickle of protocol 0", new TextEncoder().encode("cos\nsystem\n(S'id'\ntR."), /Python pickle/],
    ["a file of torch.save", Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(60)), /zip archive/],
  ];

  it.each(table)("%s", (_, file, problem) => {
    expect(() => parseSafetensors(file)).toThrow(ModelError);
    expect(() => parseSafetensors(file)).toThrow(problem);
  });

  it("a million tensors, before any of them is read", () => {
    const empty = entry("[0]", "[0,0]");
    const names = Array.from({ length: 60_000 }, (_, i) => `"t${i}":${empty}`);
    const file = makeFile(`{${names.join(",")}}`);
    expect(() => parseSafetensors(file)).toThrow(/more than 10001 members/);
  });
});

describe("a valid file", () => {
  it("has a header that reads as JSON.parse reads it", () => {
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: "grapheme" }),
        fc.maxSafeNat(),
        fc.array(tie("json"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("json"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const plain = (value: HeaderValue): unknown => {
      if (value instanceof Map)
        return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
      return Array.isArray(value) ? value.map(plain) : value;
    };
    fc.assert(
      fc.property(json, fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(plain(readJson(text, { depthMax: 100, membersMax: 100 }))).toEqual(JSON.parse(text));
      }),
    );
  });

  it("may be padded, escaped, empty, in any order, and hold empty tensors", () => {
    const header = `{"b":${entry("[1]", "[4,8]")} ,\n"\\u0061":${ONE},"c":${entry("[0,3]", "[8,8]")},"__metadata__":{"format":"pt"}}   `;
    const { tensors, metadata } = parseSafetensors(makeFile(header, 8));
    expect([...tensors.keys()].sort()).toEqual(["a", "b", "c"]);
    expect([...metadata]).toEqual([["format", "pt"]]);
    expect(parseSafetensors(makeFile("{}")).tensors.size).toBe(0);
  });

  it("may begin like a pickle by the length of its header", () => {
    const header = `{"a":${ONE}}`.padEnd(0x0280, " ");
    expect(parseSafetensors(makeFile(header, 4)).tensors.size).toBe(1);
  });

  it("of 4 MiB of header is read in less than a second", async () => {
    const file = makeFile("{}".padEnd(4 * 1024 * 1024, " "));
    expect(await cpuMsOf(() => parseSafetensors(file))).toBeLessThan(1_000);
  });
});

describe("tensors", () => {
  const values = Float32Array.of(0, 1, -1.5, 65_504, 2 ** -24, -0);
  const halves = new Float16Array(values);

  it("are read from F32, F16 and BF16 at any alignment", () => {
    const bfloat = new Uint8Array(new Uint16Array([0x3f80, 0xc000]).buffer);
    for (let shift = 0; shift < 5; shift++) {
      const shifted = (bytes: ArrayBufferLike) => {
        const buffer = Buffer.alloc(bytes.byteLength + shift);
        buffer.set(new Uint8Array(bytes), shift);
        return buffer.subarray(shift);
      };
      const read = (dtype: "F32" | "F16" | "BF16", data: Uint8Array) =>
        toFloat32("t", { dtype, shape: [], data });
      expect(read("F32", shifted(values.buffer))).toEqual(values);
      expect(read("F16", shifted(halves.buffer))).toEqual(values);
      expect(read("BF16", shifted(bfloat.buffer))).toEqual(Float32Array.of(1, -2));
    }
  });

  it("with NaN or infinity are refused unless the caller allows them", () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const data = new Uint8Array(Float32Array.of(1, odd).buffer);
      const tensor = { dtype: "F32" as const, shape: [2], data };
      expect(() => toFloat32("head", tensor)).toThrow(/"head" holds NaN or infinite/);
      expect(toFloat32("head", tensor, { finite: false })).toEqual(Float32Array.of(1, odd));
    }
  });

  it("of whole numbers are not read as weights", () => {
    expect(() => toFloat32("ids", { dtype: "I64", shape: [1], data: new Uint8Array(8) })).toThrow(
      /"ids" is I64/,
    );
  });

  it("rounded to half precision stay as they are after a trip through a file", () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, min: -60_000, max: 60_000 }), (numbers) => {
        const rounded = roundToHalf(numbers);
        const file = serializeSafetensors(
          new Map([["t", { dtype: "F16", shape: [numbers.length], values: numbers }]]),
        );
        const tensor = parseSafetensors(file).tensors.get("t");
        expect(tensor && toFloat32("t", tensor)).toEqual(rounded);
        expect(roundToHalf(rounded)).toEqual(rounded);
      }),
    );
  });

  it("turn over, and back to themselves", () => {
    expect(transpose(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    const large = Float32Array.from({ length: 70 * 45 }, (_, i) => i);
    expect(transpose(transpose(large, 70, 45), 45, 70)).toEqual(large);
  });
});

const tensorArbitrary: fc.Arbitrary<TensorToWrite> = fc
  .record({
    dtype: fc.constantFrom("F32" as const, "F16" as const),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(1_000),
  })
  .map(({ dtype, shape, seed }) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    return { dtype, shape, values: Float32Array.from({ length: size }, (_, i) => ((seed + i) % 64) / 8 - 4) };
  });
const fileArbitrary = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/), tensorArbitrary), {
  selector: ([name]) => name,
  maxLength: 6,
});

describe("serializeSafetensors", () => {
  it("writes what parseSafetensors reads, aligned, the same bytes whatever the order", () => {
    fc.assert(
      fc.property(fileArbitrary, (entries) => {
        const file = serializeSafetensors(new Map(entries), { b: "2", a: "1" });
        expect(serializeSafetensors(new Map(entries.toReversed()), { a: "1", b: "2" })).toEqual(file);
        const { tensors, metadata } = parseSafetensors(file);
        expect([...metadata]).toEqual([
          ["a", "1"],
          ["b", "2"],
        ]);
        expect(tensors.size).toBe(entries.length);
        for (const [name, { dtype, shape, values }] of entries) {
          const tensor = tensors.get(name);
          expect(tensor).toMatchObject({ dtype, shape });
          if (!tensor) continue;
          expect(tensor.data.byteOffset % (dtype === "F32" ? 4 : 2)).toBe(0);
          expect(toFloat32(name, tensor)).toEqual(values);
        }
      }),
    );
  });

  it("refuses a value that F16 cannot hold", () => {
    const tensors = new Map([["t", { dtype: "F16" as const, shape: [1], values: Float32Array.of(70_000) }]]);
    expect(() => serializeSafetensors(tensors)).toThrow(/beyond the range of F16/);
  });
});

it("whatever bytes are changed, only ModelError is thrown", () => {
  const file = serializeSafetensors(
    new Map<string, TensorToWrite>([
      ["a.weight", { dtype: "F16", shape: [2, 3], values: new Float32Array(6) }],
      ["b", { dtype: "F32", shape: [2], values: new Float32Array(2) }],
    ]),
    { format: "pt" },
  );
  const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 })), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(changes, fc.nat(file.length), (edits, length) => {
      const mutated = file.slice();
      for (const [at, byte] of edits) mutated[at] = byte;
      for (const bytes of [mutated, mutated.subarray(0, length)]) {
        try {
          for (const [name, tensor] of parseSafetensors(bytes).tensors) toFloat32(name, tensor);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
