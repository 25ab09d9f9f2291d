/** Of an accuracy that was measured on `n` rows. */
export function standardError(accuracy: number, n: number): number {
  return Math.sqrt((accuracy * (1 - accuracy)) / n);
}
