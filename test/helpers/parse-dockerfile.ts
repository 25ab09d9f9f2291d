// A Dockerfile → its stages and instructions: as much of the language as infra/Dockerfile uses.

export interface Instruction {
  readonly keyword: string;
  readonly text: string;
}

export interface Stage {
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** Continued lines are joined; comments are left out. */
export function parseDockerfile(content: string): Stage[] {
  const lines = content
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const stages: { image: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, keyword = "", text = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === "FROM") stages.push({ image: text, instructions: [] });
    else stages.at(-1)?.instructions.push({ keyword, text });
  }
  return stages;
}
