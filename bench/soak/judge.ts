// An answer of the server → what it counts as. Judged once no change is under way, when it is known what was current.
import { z } from "zod";
import type { Answer } from "../load/http-client.ts";
import { largestDifference, type References, TOLERANCE } from "./references.ts";
import type { Reigns } from "./reigns.ts";

export interface Asked {
  /** Index of the tenant, and of the text. */
  readonly tenant: number;
  readonly text: number;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** The server's answer, or why there was none. */
  readonly answer: Answer | Error;
}

/** "lost": neither an answer nor the right 404. */
export type Verdict = "right" | "right404" | "wrongVersion" | "wrongScores" | "lost";

const answerSchema = z.object({
  digest: z.string(),
  predictions: z
    .array(z.object({ scores: z.array(z.object({ label: z.string(), score: z.number() })) }))
    .length(1),
});

export function judge(asked: Asked, reigns: Reigns, references: References): Verdict {
  const { answer, text } = asked;
  if (answer instanceof Error) return "lost";
  if (answer.status === 404) return reigns.allows(undefined, asked) ? "right404" : "lost";
  if (answer.status !== 200) return "lost";
  const { digest, predictions } = answerSchema.parse(JSON.parse(answer.body));
  if (!reigns.allows(digest, asked)) return "wrongVersion";
  const scores = new Map(predictions[0]?.scores.map(({ label, score }) => [label, score]));
  const difference = largestDifference(scores, references.of(digest)?.[text]);
  return difference <= TOLERANCE ? "right" : "wrongScores";
}

/** Why a request was lost, for the results: a status and a code, never a text. */
export function reasonOf({ answer }: Asked): string {
  if (answer instanceof Error) return `no answer: ${"code" in answer ? answer.code : answer.name}`;
  const code = /"code":"(\w+)"/.exec(answer.body)?.[1] ?? "no code";
  return `${answer.status} ${code}`;
}
