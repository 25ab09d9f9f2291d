// The store that a bench fills: a folder, a real S3 server on loopback, both removed afterwards, or one that is there.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findVersitygw, startVersitygw } from "../../test/helpers/versitygw.ts";
import { BenchError } from "../errors.ts";

export interface BenchStore {
  readonly url: string;
  /** Empty, for whatever else the measurement keeps. */
  readonly folder: string;
}

const BUCKET = "softgate-bench";

/** `store`: "file", "s3" or a store's URL. Throws BenchError missing_files where there is no S3 server to be had. */
export async function withBenchStore<Result>(
  store: string,
  use: (store: BenchStore) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "softgate-bench-"));
  try {
    if (store === "s3") return await withS3((url) => use({ url, folder }));
    return await use({ url: store === "file" ? `file:${join(folder, "store")}` : store, folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** "file", "s3", or the kind of the URL: for the settings. */
export function kindOfStore(store: string): string {
  return store.includes(":") ? new URL(store).protocol.replace(":", "") : store;
}

async function withS3<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const program = await findVersitygw();
  if (program === undefined) {
    throw new BenchError(
      "missing_files",
      "There is no S3 server for --store s3: versitygw is built with Go.",
    );
  }
  const server = await startVersitygw(program, [BUCKET]);
  const before = { ...process.env };
  // Of this process and of the server that it starts.
  process.env.AWS_ACCESS_KEY_ID = server.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey;
  try {
    return await use(`s3://${BUCKET}/?endpoint=${server.endpoint}&region=us-east-1`);
  } finally {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await server.stop();
  }
}
