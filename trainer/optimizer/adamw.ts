// AdamW (Loshchilov & Hutter 2019): Adam with bias correction and decoupled weight decay.

export interface Parameter {
  readonly value: Float32Array;
  /** Weight decay applies to matrices, not to biases and gates. */
  readonly decay: boolean;
  /** Multiplies the step's learning rate. Default 1. */
  readonly rateFactor?: number;
}

export interface AdamWOptions {
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

/** Updates the parameters in place. State is held for exactly the parameters given. */
export class AdamW {
  readonly #parameters: readonly Parameter[];
  readonly #first: Float32Array[];
  readonly #second: Float32Array[];
  readonly #options: Required<AdamWOptions>;
  #steps = 0;

  constructor(parameters: readonly Parameter[], options: AdamWOptions = {}) {
    this.#parameters = parameters;
    this.#first = parameters.map(({ value }) => new Float32Array(value.length));
    this.#second = parameters.map(({ value }) => new Float32Array(value.length));
    this.#options = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, ...options };
  }

  /** One step; gradients in the order and sizes of the parameters. */
  step(gradients: readonly Float32Array[], learningRate: number): void {
    this.#steps += 1;
    for (const [index, parameter] of this.#parameters.entries()) {
      const gradient = gradients[index];
      const first = this.#first[index];
      const second = this.#second[index];
      if (!gradient || !first || !second || gradient.length !== parameter.value.length) {
        throw new Error(`Gradient ${index} does not fit its parameter`);
      }
      this.#update(parameter, gradient, { first, second, rate: learningRate * (parameter.rateFactor ?? 1) });
    }
  }

  #update(
    { value, decay }: Parameter,
    gradient: Float32Array,
    { first, second, rate }: { first: Float32Array; second: Float32Array; rate: number },
  ): void {
    const { betas, epsilon, weightDecay } = this.#options;
    const [beta1, beta2] = betas;
    const correction1 = 1 - beta1 ** this.#steps;
    const correction2 = 1 - beta2 ** this.#steps;
    const shrink = decay ? 1 - rate * weightDecay : 1;
    for (let i = 0; i < value.length; i++) {
      const g = gradient[i] ?? 0;
      const m = beta1 * (first[i] ?? 0) + (1 - beta1) * g;
      const v = beta2 * (second[i] ?? 0) + (1 - beta2) * g * g;
      first[i] = m;
      second[i] = v;
      value[i] =
        (value[i] ?? 0) * shrink - (rate * (m / correction1)) / (Math.sqrt(v / correction2) + epsilon);
    }
  }
}
