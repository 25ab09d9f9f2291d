// Work waits here while what is under way takes up all that there is: of turns, or of bytes.

export class Gate {
  readonly #capacity: number;
  readonly #waiting: { readonly amount: number; readonly enter: () => void }[] = [];
  #taken = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** In the order of arrival. What needs more than there is goes alone. */
  async run<Result>(needed: number, work: () => Promise<Result>): Promise<Result> {
    const amount = Math.min(needed, this.#capacity);
    await new Promise<void>((enter) => {
      this.#waiting.push({ amount, enter });
      this.#letIn();
    });
    try {
      return await work();
    } finally {
      this.#taken -= amount;
      this.#letIn();
    }
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#taken + next.amount > this.#capacity) return;
      this.#taken += next.amount;
      this.#waiting.shift();
      next.enter();
    }
  }
}
