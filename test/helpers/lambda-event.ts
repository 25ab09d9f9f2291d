// Events of AWS Lambda in the shapes that AWS sends (test/fixtures/lambda), filled in.
import { readFile } from "node:fs/promises";
import type { LambdaEvent } from "hono/aws-lambda";

export const LAMBDA_EVENTS = ["function-url", "http-api", "rest-api", "load-balancer"] as const;

/** POST /v1/classify, with this key and body. */
export async function readLambdaEvent(
  name: (typeof LAMBDA_EVENTS)[number],
  { key, body }: { readonly key: string; readonly body: string },
): Promise<LambdaEvent> {
  const text = await readFile(new URL(`../fixtures/lambda/${name}.json`, import.meta.url), "utf8");
  const filled = text
    .replaceAll("KEY", key)
    .replace('"BODY64"', JSON.stringify(Buffer.from(body).toString("base64")))
    .replace('"BODY"', JSON.stringify(body));
  return JSON.parse(filled);
}
