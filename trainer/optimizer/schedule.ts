// Learning rate over a phase: linear warm-up, then linear decay to zero.

/** Factor in [0, 1] of step 0 … steps-1; the first `warmupShare` of the steps rises. */
export function warmupThenDecay(step: number, steps: number, warmupShare = 0.1): number {
  const warmup = Math.max(1, Math.round(steps * warmupShare));
  if (step < warmup) return (step + 1) / warmup;
  return Math.max(0, (steps - step) / Math.max(1, steps - warmup));
}
