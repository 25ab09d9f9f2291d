// Pseudo-random numbers for tests: the same seed, the same numbers, on every machine.

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Near a standard normal; exact sums of uniforms only, since Math.log and Math.cos differ between engines. */
  normal(): number;
}

/** mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  // Twelve uniforms have variance 1.
  const normal = () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
  return { uniform, normal };
}
