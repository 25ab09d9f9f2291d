// Cloudflare's R2 as wrangler has it on this machine, behind the S3 endpoint that it gives to local buckets. Wrangler
// is among the packages of the project, so that there is no machine without it. What it keeps is gone when it stops.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import type { TestS3 } from "./versitygw.ts";

const CREDENTIALS = { accessKeyId: "local-access", secretAccessKey: "local-secret-key" };
const WORKER = "export default { fetch: () => new Response() };\n";

/** The bucket exists from the start. */
export async function startLocalR2(bucket: string): Promise<TestS3> {
  const root = await mkdtemp(join(tmpdir(), "softgate-r2-"));
  const configPath = join(root, "wrangler.json");
  await writeFile(join(root, "worker.mjs"), WORKER);
  await writeFile(configPath, JSON.stringify(configOf(bucket)));
  const harness = createTestHarness({ root, workers: [{ configPath }] });
  const stop = async () => {
    await harness.close();
    await rm(root, { recursive: true, force: true });
  };
  try {
    const { url } = await harness.listen();
    return { endpoint: new URL("/cdn-cgi/local/r2/s3", url).href, ...CREDENTIALS, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configOf(bucket: string) {
  return {
    name: "softgate-local-r2",
    main: "worker.mjs",
    compatibility_date: "2026-10-01",
    r2_buckets: [
      {
        binding: "BUCKET",
        bucket_name: bucket,
        local_dev: { experimental_s3_credentials: CREDENTIALS },
      },
    ],
  };
}
