// Which insertions an adapter got, in words.

/** "prompts at layers 1, 3; scales and shifts at layers 0, 2", or "none: the head alone". */
export function describeInsertions(report: {
  readonly promptLayers: readonly number[];
  readonly scaleShiftLayers: readonly number[];
  readonly lowRankLayers: readonly number[];
}): string {
  const parts = [
    at("prompts", report.promptLayers),
    at("scales and shifts", report.scaleShiftLayers),
    at("low-rank updates", report.lowRankLayers),
  ].flatMap((part) => part ?? []);
  return parts.join("; ") || "none: the head alone";
}

function at(what: string, layers: readonly number[]): string | undefined {
  if (layers.length === 0) return undefined;
  return `${what} at layer${layers.length === 1 ? "" : "s"} ${layers.join(", ")}`;
}
