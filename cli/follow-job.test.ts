import { expect, it } from "vitest";
import { followJob } from "./follow-job.ts";
import { createTestIo } from "./test-io.ts";

const running = { state: "running", phase: "search", progress: 0.5 };

/** A job that runs until somebody presses Ctrl-C, at its second reading. */
function interrupted() {
  const { io, printed } = createTestIo();
  const controller = new AbortController();
  let readings = 0;
  const read = async () => {
    readings += 1;
    if (readings === 2) controller.abort();
    return running;
  };
  return { io: { ...io, signal: controller.signal }, read, printed };
}

it("a job goes on when who follows it leaves, who is told how to come back", async () => {
  const { io, read, printed } = interrupted();
  const message = "Interrupted. The job goes on: softgate jobs follow job-1";
  await expect(followJob("job-1", { io, read })).rejects.toMatchObject({ code: "interrupted", message });
  expect(printed().stderr).toContain("Training: search");
});

it("a job that nobody would come back to is cancelled first", async () => {
  const { io, read } = interrupted();
  const cancelled: string[] = [];
  const cancel = async (id: string) => void cancelled.push(id);
  const followed = followJob("job-1", { io, read, cancel });
  await expect(followed).rejects.toMatchObject({
    code: "interrupted",
    message: expect.stringContaining("is cancelled"),
  });
  expect(cancelled).toEqual(["job-1"]);
});

it("a job that failed rejects with its own code, one that succeeded is answered", async () => {
  const { io } = createTestIo();
  const error = { code: "training_failed", message: "It broke." };
  const failed = async () => ({ ...running, state: "failed", error });
  await expect(followJob("job-1", { io, read: failed })).rejects.toMatchObject({ code: "training_failed" });
  const succeeded = { ...running, state: "succeeded", adapter: { name: "router" } };
  expect(await followJob("job-1", { io, read: async () => succeeded })).toEqual(succeeded);
});
