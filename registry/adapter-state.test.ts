import fc from "fast-check";
import { expect, it } from "vitest";
import { EMPTY_STATE, isGone, isGoneForGood, withGone } from "./adapter-state.ts";

const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 });

it("versions that are gone for good stay so, in ranges with numbers between them, and no other is gone", () => {
  fc.assert(
    fc.property(fc.array(numbers, { maxLength: 6 }), (collections) => {
      let state = EMPTY_STATE;
      const gone = new Set<number>();
      for (const versions of collections) {
        state = withGone(state, versions);
        for (const version of versions) gone.add(version);
        for (let version = 1; version <= 41; version += 1) {
          expect(isGoneForGood(state, version)).toBe(gone.has(version));
        }
        const ranges = state.gone ?? [];
        expect(state.gone).not.toEqual([]);
        for (const [index, [from, through]] of ranges.entries()) {
          expect(from).toBeLessThanOrEqual(through);
          expect(from).toBeGreaterThan((ranges[index - 1]?.[1] ?? state.goneThrough) + 1);
        }
      }
    }),
  );
});

it("a version that is gone for good has no tombstone left, the others keep theirs", () => {
  const at = new Date(0).toISOString();
  const deletedVersions = [3, 1, 2].map((version) => ({ version, at }));
  const state = withGone({ ...EMPTY_STATE, deletedVersions }, [3, 1]);
  expect(state).toMatchObject({ goneThrough: 1, gone: [[3, 3]], deletedVersions: [{ version: 2, at }] });
  expect([1, 2, 3, 4].map((version) => isGone(state, version))).toEqual([true, true, true, false]);
});
