// What the classifier tells whoever counts. Numbers alone: no texts, no tenants.

export interface PassRecord {
  readonly texts: number;
  /** Of the texts, and of prompts beside them as they were reserved. */
  readonly tokens: number;
  /** Of the texts alone, over the positions of the packed rows: 1 is no waste. */
  readonly fill: number;
  /** Of each text, from the line to the start of the pass. */
  readonly waitedMs: readonly number[];
  /** Packing, on the event loop; and the forward pass, beside it. */
  readonly packMs: number;
  readonly runMs: number;
}

/**
 * "resident": its weights stood in the slabs; "memory": they were put there again from this process' memory;
 * "loaded" and "failed": had to be read, alone or with others that asked for it.
 */
export type AdapterOutcome = "resident" | "memory" | "loaded" | "failed";

export interface RuntimeObserver {
  passEnded(record: PassRecord): void;
  adapterAsked(outcome: AdapterOutcome, milliseconds: number): void;
  /** Left the tier for want of room: from "resident" to memory where there is room, from "memory" for good. */
  adapterEvicted(from: "resident" | "memory"): void;
}

export const NO_OBSERVER: RuntimeObserver = {
  passEnded: () => undefined,
  adapterAsked: () => undefined,
  adapterEvicted: () => undefined,
};

/**
 * Of one request, several times where its texts are of several passes. "queue_wait" is from the line until the
 * session computes the pass, packing included.
 */
export type ClassifyPhase = "tokenize" | "queue_wait" | "forward_pass";

/** What one request is told of itself, on the clock of performance.now(). Must not throw. */
export interface RequestObserver {
  phaseEnded(phase: ClassifyPhase, startedMs: number, endedMs: number): void;
}
