// A Lambda function's environment variables → its settings. What is missing is named before anything is opened.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

export interface LambdaSettings {
  readonly storeUrl: string;
  readonly backbone?: string;
  /** The only folder that a function may write to lies in /tmp. */
  readonly adapterFolder: string;
  readonly adapterDiskBytes: number;
  /** Of a Postgres server. Without one the function takes no trainings. */
  readonly databaseUrl?: string;
}

/** Half of the /tmp that a function has by default. */
const ADAPTER_DISK_BYTES_DEFAULT = 256 * 1024 * 1024;

const schema = z.object({
  SOFTGATE_STORE: z
    .string("the store's URL, such as s3://BUCKET")
    .min(1, "the store's URL, such as s3://BUCKET"),
  SOFTGATE_BACKBONE: z.string().min(1).optional(),
  SOFTGATE_ADAPTER_FOLDER: z.string().min(1).default(join(tmpdir(), "softgate")),
  SOFTGATE_ADAPTER_DISK_BYTES: z.coerce
    .number("a whole number of bytes, 0 for no copies on disk")
    .int("a whole number of bytes, 0 for no copies on disk")
    .min(0, "a whole number of bytes, 0 for no copies on disk")
    .default(ADAPTER_DISK_BYTES_DEFAULT),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "a Postgres URL, such as postgres://USER:PASSWORD@HOST/DATABASE")
    .optional(),
});

/** Throws an Error that names each variable to set. */
export function readLambdaSettings(env: Readonly<Record<string, string | undefined>>): LambdaSettings {
  const { data, error } = schema.safeParse(env);
  if (!data) {
    const wrong = error.issues.map(({ path, message }) => `Set ${path.join(".")}: ${message}.`);
    throw new Error(`The function is not configured. ${wrong.join(" ")}`);
  }
  return {
    storeUrl: data.SOFTGATE_STORE,
    ...(data.SOFTGATE_BACKBONE !== undefined && { backbone: data.SOFTGATE_BACKBONE }),
    adapterFolder: data.SOFTGATE_ADAPTER_FOLDER,
    adapterDiskBytes: data.SOFTGATE_ADAPTER_DISK_BYTES,
    ...(data.DATABASE_URL !== undefined && { databaseUrl: data.DATABASE_URL }),
  };
}
