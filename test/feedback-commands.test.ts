// Feedback, retraining and shadow from the command line, against the whole app on a real server.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseAdapterName } from "#registry";
import { softgate } from "../cli/test-io.ts";
import { type Listener, listen } from "../functions/listen.ts";
import { alpha, createTestApp, publishAdapter, type TestApp } from "../functions/test-app.ts";

const CSV = `text,label\n${["a", "b", "c", "d", "e"].map((text) => `${text} good,yes\n${text} bad,no\n`).join("")}`;

let folder: string;
let test: TestApp;
let listener: Listener;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  test = await createTestApp();
  const { id, digest, rows } = await test.registry.putDataset(alpha, {
    ...{ bytes: new TextEncoder().encode(CSV), rows: 10, labels: ["no", "yes"], fileName: "a.csv" },
    ...{ mediaType: "text/csv", columns: { text: "text", label: "label" } },
  });
  await publishAdapter(test.registry, { name: "tickets", dataset: { id, digest, rows } });
  listener = await listen(test.app.fetch, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await listener.close();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => {
  const env = { SOFTGATE_CONFIG: folder, SOFTGATE_SERVER: listener.url, SOFTGATE_KEY: test.keys.alpha };
  return softgate(args, { env });
};
const jsonOf = async (...args: string[]) => JSON.parse((await run(...args, "--json")).stdout);

it("an example, and a file of them, are kept, listed page by page, counted and forgotten", async () => {
  const one = await run("feedback", "add", "tickets", "--text", "where is it", "--label", "yes");
  expect(one.stdout).toBe("1 kept. Next: softgate retrain tickets\n");
  await writeFile(join(folder, "wrong.csv"), "text,label\nfirst,no\nsecond,no\n");
  expect((await jsonOf("feedback", "add", "tickets", "--input", join(folder, "wrong.csv"))).ids).toHaveLength(
    2,
  );
  const { feedback, next } = await jsonOf("feedback", "list", "tickets", "--limit", "2");
  expect(feedback).toHaveLength(2);
  const rest = await run("feedback", "list", "tickets", "--after", next);
  expect(rest.stdout).toMatch(/fb_1_\S+ +\S+ +1 +yes +where is it/);
  expect(await jsonOf("feedback", "count", "tickets")).toEqual({ count: 3, labels: { no: 2, yes: 1 } });
  const { id } = feedback[0];
  expect((await run("feedback", "remove", "tickets", id)).stdout).toBe(`${id} is forgotten.\n`);
  expect(await run("feedback", "remove", "tickets", id)).toMatchObject({ exitCode: 3 });
  expect(await jsonOf("feedback", "count", "tickets")).toMatchObject({ count: 2 });
  expect((await run("audit")).stdout).toMatch(new RegExp(`delete_feedback +tickets ${id}`));
});

it("of a file with a label that the adapter lacks, what stands before it is kept, and the example is named", async () => {
  await writeFile(join(folder, "wrong.csv"), "text,label\nfirst,no\nsecond,maybe\nthird,yes\n");
  const refused = await run("feedback", "add", "tickets", "--input", join(folder, "wrong.csv"));
  expect(refused).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/Example 2 of 3: .*before it are kept/),
  });
  expect(await jsonOf("feedback", "count", "tickets")).toMatchObject({ count: 1 });
});

/** Answers instead of the app, where it does. */
async function spoil(answer: (request: Request) => Response | undefined): Promise<void> {
  await listener.close();
  const fetch = (request: Request) => answer(request) ?? test.app.fetch(request);
  listener = await listen(fetch, { host: "127.0.0.1", port: 0 });
}

it("of a file that the server is lost amid, it is said which were kept", async () => {
  let asked = 0;
  await spoil(() => {
    asked += 1;
    return asked === 2 ? new Response("<html>", { status: 502 }) : undefined;
  });
  await writeFile(join(folder, "wrong.csv"), "text,label\nfirst,no\nsecond,no\n");
  const lost = await run("feedback", "add", "tickets", "--input", join(folder, "wrong.csv"));
  expect(lost).toMatchObject({
    exitCode: 4,
    stderr: expect.stringMatching(/Example 2 of 2: .*502.*before it are kept/),
  });
});

it("a retraining waits for its turn, also where those before it take long", async () => {
  await run("feedback", "add", "tickets", "--text", "a bad", "--label", "yes");
  let refusals = 20;
  await spoil(() => {
    refusals -= 1;
    const headers = { "Retry-After": "0" };
    return refusals < 0 ? undefined : new Response("{}", { status: 429, headers });
  });
  const { stdout } = await run("retrain", "tickets", "--no-follow");
  expect(await test.jobs.get("alpha", stdout.trim())).toMatchObject({ retraining: { version: 1 } });
});

it("a retraining says what it learns, follows its job, and tells how the candidate compares", async () => {
  await run("feedback", "add", "tickets", "--text", "a bad", "--label", "yes");
  const jobId = (await run("retrain", "tickets", "--no-follow")).stdout.trim();
  expect(await test.jobs.get("alpha", jobId)).toMatchObject({ retraining: { version: 1 }, state: "queued" });
  const submit = test.jobs.submit.bind(test.jobs);
  test.jobs.submit = async (...given) => {
    const job = await submit(...given);
    const figures = (accuracy: number) => ({ accuracy, macroF1: accuracy });
    const comparison = { n: 10, version: 1, candidate: figures(0.9), production: figures(0.8), how: "" };
    const adapter = { name: "tickets", version: 2, digest: `sha256:${"a".repeat(64)}` };
    test.jobs.set(job.id, { state: "succeeded", adapter, report: { comparison } as never });
    return job;
  };
  const { stdout, stderr } = await run("retrain", "tickets", "--options", '{"epochs":3}');
  expect(stderr).toContain("1 examples added, 1 rows replaced, 10 in all");
  expect(stdout).toMatch(/^tickets:2 is the candidate\.\n {2}with feedback +accuracy 90/);
  expect(stdout).toContain("softgate adapters set-alias tickets production 2");
});

it("a retraining whose answer is lost on the way, as a large dataset takes long, is asked for again and queued once", async () => {
  await run("feedback", "add", "tickets", "--text", "a bad", "--label", "yes");
  const asked: (string | null)[] = [];
  const behindProxy = await listen(
    async (request) => {
      const response = await test.app.fetch(request);
      if (!request.url.endsWith("/retrain")) return response;
      asked.push(request.headers.get("idempotency-key"));
      return asked.length > 1 ? response : new Response("<html>Gateway Timeout</html>", { status: 504 });
    },
    { host: "127.0.0.1", port: 0 },
  );
  try {
    const env = {
      ...{ SOFTGATE_CONFIG: folder, SOFTGATE_SERVER: behindProxy.url },
      SOFTGATE_KEY: test.keys.alpha,
    };
    const { stdout } = await softgate(["retrain", "tickets", "--no-follow"], { env });
    expect(asked).toHaveLength(2);
    expect(new Set(asked).size).toBe(1);
    const queued = await test.jobs.list("alpha", { limit: 10 });
    expect(queued?.jobs.map(({ id }) => id)).toEqual([stdout.trim()]);
  } finally {
    await behindProxy.close();
  }
});

it("a shadow is begun, shown and ended", async () => {
  await publishAdapter(test.registry, { name: "tickets" });
  await test.registry.setAlias(alpha, parseAdapterName("tickets"), { alias: "candidate", version: 2 });
  expect((await run("shadow", "tickets")).stdout).toBe("tickets: production is asked alone.\n");
  const begun = await run("shadow", "tickets", "--alias", "candidate", "--share", "0.5");
  expect(begun.stdout).toMatch(/^tickets@candidate is asked beside production for 50/);
  expect(await jsonOf("shadow", "tickets")).toMatchObject({
    shadow: { alias: "candidate", share: 0.5 },
    counts: null,
  });
  expect(await run("shadow", "tickets", "--alias", "candidate")).toMatchObject({ exitCode: 2 });
  expect((await run("shadow", "tickets", "--off")).stdout).toBe("tickets: production is asked alone.\n");
});

it("without a server each says that it needs one", async () => {
  for (const args of [
    ["feedback", "count", "tickets"],
    ["retrain", "tickets"],
    ["shadow", "tickets"],
  ]) {
    const refused = await softgate(args, { env: { SOFTGATE_CONFIG: folder } });
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--server") });
  }
});
