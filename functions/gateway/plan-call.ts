// A request → how it is sent to a server: whether it may be sent again, to which server it would go best, and how long
// there is. Only what changes nothing, or is done once however often it comes, may be sent again.
import { CLASSIFY_MS_DEFAULT, CLASSIFY_MS_MAX } from "#model";
import type { AppContext } from "../app-env.ts";
import { mediaTypeOf } from "../media-type.ts";
import { readBytes } from "../read-body.ts";
import { affinityOf } from "./affinity.ts";
import type { Call } from "./forward.ts";

/** What classifies, and keeps nothing. Any other POST may change something. */
const CLASSIFY_PATH = /^\/(?:v1\/classify|predict|models\/[^/]+)$/;

/** timeoutMsMax: of what asks for no other time, and the most. Rejects as reading the body does. */
export async function planCall(c: AppContext, timeoutMsMax: number): Promise<Call> {
  const { raw, path, method } = c.req;
  const isClassify = method === "POST" && CLASSIFY_PATH.test(path);
  // Of other methods servers do not look at it.
  const isDoneOnce = method === "POST" && c.req.header("idempotency-key") !== undefined;
  const body = isClassify || isDoneOnce ? await readJsonBody(c) : undefined;
  const header = c.req.header("softgate-timeout-ms");
  // A server gives a classify request half a minute where it asks for no other time.
  const otherwise = isClassify ? CLASSIFY_MS_DEFAULT : timeoutMsMax;
  const asked = header === undefined ? otherwise : parseTimeout(header);
  return {
    request: raw,
    key: affinityOf(c.get("tenant"), path, isClassify ? body : undefined),
    requestId: c.get("requestId"),
    timeoutMs: Math.min(asked ?? timeoutMsMax, timeoutMsMax),
    // A header that a server does not take is its to refuse.
    tellsTime: isClassify && asked !== undefined,
    ...(body && { body }),
  };
}

/** Small enough to be kept, to be sent again. Undefined for what is none, as lines that come one by one. */
async function readJsonBody(c: AppContext): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const isJson = mediaTypeOf(c.req.header("content-type")) === "application/json";
  return isJson && c.req.raw.body ? readBytes(c) : undefined;
}

/** Undefined for what no server takes. */
function parseTimeout(header: string): number | undefined {
  const timeoutMs = /^\d{1,9}$/.test(header) ? Number(header) : 0;
  return timeoutMs >= 1 && timeoutMs <= CLASSIFY_MS_MAX ? timeoutMs : undefined;
}
