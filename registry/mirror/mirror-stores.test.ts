// Between the stores that there are: a folder, a real S3 server, and back.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findVersitygw, startVersitygw, type TestS3 } from "../../test/helpers/versitygw.ts";
import { createRegistry } from "../create-registry.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import { openObjectStore } from "../object-store/open.ts";
import { parseAdapterName } from "../registry.ts";
import { alpha, publishRequest, router } from "../test-registry.ts";
import { mirrorStore } from "./mirror-store.ts";
import { answersOf, findingsOf, nextOf, objectsOf, WatchedStore } from "./test-mirror.ts";

const program = await findVersitygw();
const spam = parseAdapterName("spam");

describe.skipIf(program === undefined)("a folder, a real S3 server, and another folder", () => {
  let server: TestS3;
  let folder: string;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", ["mirror"]);
    folder = await mkdtemp(join(tmpdir(), "softgate-mirror-"));
  }, 30_000);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true });
  });

  it("hold the same after mirrors, at first and after changes", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
    const first = await openObjectStore(`file:${join(folder, "first")}`);
    const s3 = await openObjectStore(`s3://mirror/copy?endpoint=${server.endpoint}&region=us-east-1`);
    const last = await openObjectStore(`file:${join(folder, "last")}`);
    const registry = createRegistry({ store: first });
    for (const text of ["one", "two"]) await registry.publish(alpha, publishRequest(text));
    await registry.publish(alpha, publishRequest("three", { name: spam }));
    for (let round = 0; round < 3; round += 1) {
      const problems: unknown[] = [];
      const onProblem = (problem: unknown) => problems.push(problem);
      await mirrorStore({ source: first, target: new WatchedStore(s3) }, { onProblem });
      await mirrorStore({ source: s3, target: new WatchedStore(last) }, { onProblem });
      expect(problems).toEqual([]);
      const store = await answersOf({ store: first, names: [router, spam] });
      expect(await answersOf({ store: s3, names: [router, spam] })).toEqual(store);
      expect(await objectsOf(last)).toEqual(await objectsOf(s3));
      await registry.publish(alpha, publishRequest(`round ${round}`));
      for (let change = 0; change < HISTORY_SEGMENT_CHANGES; change += 1) {
        await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (change % 2) });
      }
      await registry.deleteVersion(alpha, router, { version: 3 + round }).catch(() => undefined);
    }
    expect(await findingsOf(s3)).toEqual([]);
    const next = await nextOf(createRegistry({ store: s3 }), router);
    expect(await nextOf(createRegistry({ store: last }), router)).toEqual(next);
    await Promise.all([first, s3, last].map((each) => each.close()));
  });
});
