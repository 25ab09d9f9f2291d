// Gradient clipping by the global norm (Pascanu et al. 2013).

/** Scales all gradients in place so that their joint Euclidean norm is at most `normMax`; returns the norm before. */
export function clipByGlobalNorm(gradients: readonly Float32Array[], normMax: number): number {
  let squares = 0;
  for (const gradient of gradients) for (const value of gradient) squares += value * value;
  const norm = Math.sqrt(squares);
  if (norm > normMax) {
    const factor = normMax / norm;
    for (const gradient of gradients)
      for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] ?? 0) * factor;
  }
  return norm;
}
