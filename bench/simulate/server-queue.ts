// A server's line, simulated: each session that is free takes what is ready, up to a full pass. Time is what the requests say
// it is; nothing here waits.

export interface ServerModel {
  /** Passes at once. */
  readonly sessions: number;
  /** Of each pass, whatever is in it: with the way there and back. */
  readonly passMs: number;
  /** Of each text of average length. */
  readonly textMs: number;
  /** Standard deviation of texts' lengths over their mean. */
  readonly lengthSpread: number;
}

export interface QueueOptions {
  readonly random: () => number;
  /** Of each request, from the moment it was asked. */
  readonly answered: (milliseconds: number) => void;
}

interface Waiting {
  readonly askedMs: number;
  /** When its adapter is there. */
  readonly readyMs: number;
  /** In texts of average length. */
  readonly length: number;
}

/** Texts of average length in a full pass: 256 tokens, of which a text of the load runs has 25. */
export const PASS_TEXTS_MAX = 10;

/** What was answered is let go in steps of so many. */
const FORGET_AFTER = 1_024;

export class ServerQueue {
  readonly #model: ServerModel;
  readonly #options: QueueOptions;
  readonly #freeAtMs: number[];
  /** By readiness. */
  readonly #waiting: Waiting[] = [];
  #head = 0;
  #endMs = 0;

  constructor(model: ServerModel, options: QueueOptions) {
    this.#model = model;
    this.#options = options;
    this.#freeAtMs = Array.from({ length: model.sessions }, () => 0);
  }

  /** Moments must not go back. `loadMs`: until its adapter is there. */
  ask(nowMs: number, loadMs: number): void {
    this.#runUntil(nowMs);
    const waiting = { askedMs: nowMs, readyMs: nowMs + loadMs, length: this.#drawLength() };
    let at = this.#waiting.length;
    while (at > this.#head && (this.#waiting[at - 1]?.readyMs ?? 0) > waiting.readyMs) at -= 1;
    if (at === this.#waiting.length) this.#waiting.push(waiting);
    else this.#waiting.splice(at, 0, waiting);
  }

  /** Answers all that wait. The moment of the last answer. */
  finish(): number {
    this.#runUntil(Number.POSITIVE_INFINITY);
    return this.#endMs;
  }

  /** Every pass that starts before. */
  #runUntil(untilMs: number): void {
    for (;;) {
      const first = this.#waiting[this.#head];
      if (!first) break;
      const session = this.#nextFree();
      const startMs = Math.max(this.#freeAtMs[session] ?? 0, first.readyMs);
      if (startMs >= untilMs) break;
      this.#freeAtMs[session] = this.#runPass(startMs);
    }
    if (this.#head > FORGET_AFTER) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** When it ends. */
  #runPass(startMs: number): number {
    const from = this.#head;
    let length = 0;
    for (;;) {
      const next = this.#waiting[this.#head];
      if (!next || next.readyMs > startMs || (length > 0 && length + next.length > PASS_TEXTS_MAX)) break;
      length += next.length;
      this.#head += 1;
    }
    const endMs = startMs + this.#model.passMs + length * this.#model.textMs;
    for (let index = from; index < this.#head; index += 1) {
      this.#options.answered(endMs - (this.#waiting[index]?.askedMs ?? 0));
    }
    this.#endMs = Math.max(this.#endMs, endMs);
    return endMs;
  }

  #nextFree(): number {
    let session = 0;
    for (let other = 1; other < this.#freeAtMs.length; other += 1) {
      if ((this.#freeAtMs[other] ?? 0) < (this.#freeAtMs[session] ?? 0)) session = other;
    }
    return session;
  }

  /** Lognormal, of mean 1. */
  #drawLength(): number {
    const variance = Math.log(1 + this.#model.lengthSpread ** 2);
    const { random } = this.#options;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.exp(Math.sqrt(variance) * normal - variance / 2);
  }
}
