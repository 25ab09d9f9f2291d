// Groups that are read one after the other, answered side by side, and given in the order they were read. A reader that
// does not ask for more stops the reading; a source that is silent does not hold back what is answered.

export interface OrderedOptions<Group, Answer> {
  readonly groups: AsyncIterator<Group>;
  /** Must not reject. */
  readonly answer: (group: Group) => Promise<Answer>;
  /** Read and not yet given. */
  readonly inFlightMax: number;
  /** How long the source may be silent while nothing is being answered. */
  readonly silentMsMax: number;
}

export class OrderedAnswers<Group, Answer> {
  readonly #options: OrderedOptions<Group, Answer>;
  readonly #inFlight: Promise<Answer>[] = [];
  #reading: Promise<IteratorResult<Group>> | undefined;
  #hasEnded = false;

  constructor(options: OrderedOptions<Group, Answer>) {
    this.#options = options;
  }

  /**
   * The next answer; undefined at the end; "silent" where the source was so for too long. Rejects as the source does,
   * once all that was read before is given.
   */
  async next(): Promise<Answer | undefined | "silent"> {
    while (true) {
      this.#read();
      const [head] = this.#inFlight;
      const step = await this.#firstOf(head);
      switch (step) {
        case "answered":
          return this.#inFlight.shift();
        case "read":
          await this.#take();
          break;
        default:
          return step === "ended" ? undefined : step;
      }
    }
  }

  #read(): void {
    const hasRoom = this.#inFlight.length < this.#options.inFlightMax;
    if (this.#hasEnded || !hasRoom || this.#reading) return;
    this.#reading = this.#options.groups.next();
    // Looked at below; until then a failure must not end the process.
    this.#reading.catch(() => undefined);
  }

  async #firstOf(head: Promise<Answer> | undefined): Promise<"answered" | "read" | "silent" | "ended"> {
    const read = this.#reading?.then(
      () => "read" as const,
      // What was read before goes first.
      () => (head ? new Promise<never>(() => undefined) : ("read" as const)),
    );
    if (head) return Promise.race([head.then(() => "answered" as const), ...(read ? [read] : [])]);
    return read ? within(read, this.#options.silentMsMax) : "ended";
  }

  async #take(): Promise<void> {
    const reading = this.#reading;
    this.#reading = undefined;
    const result = await reading;
    if (!result || result.done) this.#hasEnded = true;
    else this.#inFlight.push(this.#options.answer(result.value));
  }
}

async function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value | "silent"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<"silent">((resolve) => {
    timer = setTimeout(() => resolve("silent"), milliseconds);
  });
  try {
    return await Promise.race([promise, silent]);
  } finally {
    clearTimeout(timer);
  }
}
