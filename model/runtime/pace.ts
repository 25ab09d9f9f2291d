// How fast passes go, from those that ran lately: what a request can expect before it is taken.

/** Share of the latest pass in the running mean. */
const LATEST_SHARE = 0.2;

export class Pace {
  #millisecondsPerToken: number | undefined;
  #hasBegun = false;

  record(tokens: number, milliseconds: number): void {
    // The first pass takes memory and, in WebAssembly, waits for its compiler: of those that follow it says nothing.
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return;
    }
    const latest = milliseconds / Math.max(1, tokens);
    const before = this.#millisecondsPerToken ?? latest;
    this.#millisecondsPerToken = before + LATEST_SHARE * (latest - before);
  }

  /** Milliseconds for so many tokens; 0 before the second pass. */
  estimate(tokens: number): number {
    return tokens * (this.#millisecondsPerToken ?? 0);
  }

  /** Tokens computed in so many milliseconds; Infinity before the second pass. */
  tokensIn(milliseconds: number): number {
    return milliseconds / (this.#millisecondsPerToken ?? 0);
  }
}
