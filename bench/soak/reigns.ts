// Which version of an adapter was current when: what an answer is judged by.

/** From before the change that made a version current to after the one that ended it; undefined: there was none. */
interface Reign {
  readonly digest: string | undefined;
  readonly fromMs: number;
  untilMs: number;
}

/** No answer takes as long. */
const KEPT_MS = 120_000;

export class Reigns {
  readonly #staleMsMax: number;
  #reigns: Reign[];

  /** An answer may be of a version that ceased to be current so long before it was asked for. */
  constructor(staleMsMax: number, digest: string) {
    this.#staleMsMax = staleMsMax;
    this.#reigns = [{ digest, fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY }];
  }

  get current(): string | undefined {
    return this.#reigns.at(-1)?.digest;
  }

  /** The change was asked for at fromMs, and made at endedMs at the latest. */
  change(digest: string | undefined, { fromMs, endedMs }: { fromMs: number; endedMs: number }): void {
    const last = this.#reigns.at(-1);
    if (last) last.untilMs = endedMs;
    this.#reigns.push({ digest, fromMs, untilMs: Number.POSITIVE_INFINITY });
    this.#reigns = this.#reigns.filter(({ untilMs }) => endedMs - untilMs < KEPT_MS);
  }

  /** Whether a request may be answered so: by this version, or that there is none. */
  allows(
    digest: string | undefined,
    { sentMs, answeredMs }: { sentMs: number; answeredMs: number },
  ): boolean {
    return this.#reigns.some(
      (reign) =>
        reign.digest === digest && reign.fromMs <= answeredMs && sentMs <= reign.untilMs + this.#staleMsMax,
    );
  }
}
