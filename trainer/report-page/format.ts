// Figures as text.

/** 0.8134 → "81.3 %" */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Three digits that count, without an exponent: 0.01234 → "0.0123", 12.34 → "12.3", 12345 → "12345". */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}

/** 12345 → "12,345", whatever the machine's language. */
export function whole(value: number): string {
  return value.toLocaleString("en-US");
}

/** Cut where it is longer, for a place in a plot; the whole text stands in the tables. */
export function short(text: string, charactersMax: number): string {
  const characters = [...text];
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
