import { expect, test } from "vitest";
import { parseBackbone } from "#model";
import { trainOptionsSchema } from "#trainer/job";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { labelWordsOf } from "./label-words.ts";

const TASKS = ["trec", "sst2", "subj", "mpqa", "mr", "rte", "mrpc", "qnli", "qqp", "mnli"];
const masked = parseBackbone("masked", makeTinyBackbone({ maskHead: true }));

test("every task of the paper has a template and words that the trainer takes, pairs one for both texts", () => {
  for (const task of TASKS) {
    const words = labelWordsOf(task, masked);
    expect(trainOptionsSchema.safeParse(words).success, task).toBe(true);
    expect(words?.template.includes("{text_pair}"), task).toBe(TASKS.indexOf(task) >= 5);
    expect(new Set(Object.values(words?.labelWords ?? {})).size, task).toBeGreaterThanOrEqual(2);
  }
});

test("other tasks have none, and no task on a backbone that predicts no words", () => {
  expect(labelWordsOf("mail", masked)).toBeUndefined();
  expect(labelWordsOf("sst2", parseBackbone("plain", makeTinyBackbone()))).toBeUndefined();
});
