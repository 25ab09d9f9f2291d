// A page in Markdown → its fenced blocks. Knows no more of Markdown than fences of backticks or tildes, also in lists.
export interface Block {
  /** What stands behind the fence; "" for nothing. */
  readonly kind: string;
  /** Of the fence, from 1. */
  readonly line: number;
  readonly text: string;
}

/** Throws Error for a fence that nothing closes. */
export function findBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; kind: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of page.split("\n").entries()) {
    const [, indent = "", fence = "", rest = ""] = /^(\s*)(`{3,}|~{3,})?(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence) open = { fence, indent: indent.length, kind: rest.trim(), line: index + 1, lines: [] };
    } else if (fence.startsWith(open.fence) && rest.trim() === "") {
      blocks.push({ kind: open.kind, line: open.line, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    } else open.lines.push(line.slice(Math.min(open.indent, indent.length)));
  }
  if (open) throw new Error(`the block at line ${open.line} has no end`);
  return blocks;
}

export function isRun({ kind }: Block): boolean {
  return kind === "sh" || kind === "ts" || kind === "python";
}
