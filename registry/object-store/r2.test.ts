// The contract on R2, by way of its S3 endpoint and s3.ts: there is no store of its own for it.
import { afterAll, beforeAll, beforeEach, describe, vi } from "vitest";
import { startLocalR2 } from "../../test/helpers/local-r2.ts";
import type { TestS3 } from "../../test/helpers/versitygw.ts";
import { describeObjectStore } from "./contract.ts";
import { openObjectStore } from "./open.ts";

const BUCKET = "test-bucket";

describe("R2", () => {
  let server: TestS3;

  beforeAll(async () => {
    server = await startLocalR2(BUCKET);
  }, 60_000);
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
  });
  afterAll(() => server?.stop());

  const open = () => openObjectStore(`s3://${BUCKET}/a/prefix?endpoint=${server.endpoint}&region=auto`);

  describeObjectStore(
    "s3 (wrangler's local R2)",
    async () => {
      const [store, other] = await Promise.all([open(), open()]);
      return { store, other, dispose: async () => void (await Promise.all([store.close(), other.close()])) };
    },
    { keepsNestedKeys: true },
  );
});
