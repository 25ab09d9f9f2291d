// How long a classify request may take, and what adapters may take of memory. Apart from the classifier, so that
// the HTTP side and the command line need no native code.

/** A request that could not be answered within its time is refused, at once where that can be foreseen. */
export const CLASSIFY_MS_MAX = 60_000;
export const CLASSIFY_MS_DEFAULT = 30_000;

/** Of adapters' weights in the slabs, where forward passes read them; the adapters themselves take as much again. */
export const ADAPTER_RESIDENT_BYTES_DEFAULT = 512 * 1024 * 1024;
/** Of adapters that had to leave the slabs and are kept in memory all the same. */
export const ADAPTER_MEMORY_BYTES_DEFAULT = 256 * 1024 * 1024;
