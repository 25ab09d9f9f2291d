// How long a classify request may take. Apart from the classifier, so that the HTTP side needs no native code.

/** A request that could not be answered within its time is refused, at once where that can be foreseen. */
export const CLASSIFY_MS_MAX = 60_000;
export const CLASSIFY_MS_DEFAULT = 30_000;
