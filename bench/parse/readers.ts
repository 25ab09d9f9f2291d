// Who reads datasets, each in its own way.
export const READERS = ["server", "trainer"] as const;
/** A server looks at every row and keeps no text; a trainer keeps the examples that it learns from. */
export type Reader = (typeof READERS)[number];
