// Requests that are done once: whoever records a request under its idempotency key first does it, and what it answered
// is kept, so that the same request sent again gets the same answer, from any process, also after a restart. A process
// that dies meanwhile stops renewing its record; then the request may be done again. Kept for ONCE_KEPT_MS; the
// records of a tenant lie in folders of bounded size, and who writes into one removes what has expired there; a
// collection of garbage removes it everywhere.
import { z } from "zod";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { onceKey, oncePrefix } from "./layout.ts";
import {
  IDEMPOTENCY_KEY_LENGTH_MAX,
  ONCE_ANSWER_BYTES_MAX,
  ONCE_KEPT_MS,
  ONCE_RECORDS_PER_FOLDER_MAX,
  ONCE_UNRENEWED_MS_MAX,
  SWAP_ATTEMPTS_MAX,
} from "./limits.ts";
import { mapInParallel } from "./map-in-parallel.ts";
import type { ObjectDetails, ObjectStore } from "./object-store/object-store.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";
import type { TenantId } from "./registry.ts";
import { objectPages } from "./walk-store.ts";

export const onceSchema = z.strictObject({
  nonce: z.string(),
  /** Of the request, whichever process does it: what is done by it can be found by the next one. */
  id: z.string(),
  /** Of the whole request: under one key there is one request. */
  requestDigest: z.string(),
  at: z.iso.datetime(),
  /** doing: by a process that renews it. left: nothing was changed, so the key is free. */
  state: z.enum(["doing", "done", "left"]),
  renewedAt: z.iso.datetime(),
  answer: z.record(z.string(), z.json()).exactOptional(),
});

type OnceRecord = z.infer<typeof onceSchema>;
export type OnceAnswer = NonNullable<OnceRecord["answer"]>;

/** What to do with a request: do it, say what it answered, have it wait, or refuse it as another than the first. */
export type Once =
  | ({ readonly state: "begun" } & OnceBegun)
  | { readonly state: "done"; readonly answer: OnceAnswer }
  | { readonly state: "doing" }
  | { readonly state: "other" };

/** To be ended by one of finish and leave. */
export interface OnceBegun {
  /**
   * 32 hexadecimal digits. The same when the request was begun before, by a process that died or that left it: what its
   * error hid may be done all the same, as where a database took a change and its answer was lost.
   */
  readonly id: string;
  /** To be called at least every third of ONCE_UNRENEWED_MS_MAX. */
  renew(): Promise<void>;
  /** Throws limit_exceeded where the answer is larger than ONCE_ANSWER_BYTES_MAX. */
  finish(answer: OnceAnswer): Promise<void>;
  /** Nothing was changed, as far as is known: the key is free for any request. */
  leave(): Promise<void>;
}

/** Throws limit_exceeded, conflict. */
export async function beginOnce(
  context: RegistryContext,
  tenant: TenantId,
  { key: idempotencyKey, requestDigest }: { key: string; requestDigest: string },
): Promise<Once> {
  if (idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
    const message = `The idempotency key is longer than ${IDEMPOTENCY_KEY_LENGTH_MAX} characters.`;
    throw new RegistryError("limit_exceeded", message);
  }
  await context.ensureLayout();
  const key = onceKey(tenant, idempotencyKey);
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
    const found = await readRecord(context.store, key, onceSchema);
    const known = found && whatStands(context, found.value, requestDigest);
    if (known) return known;
    const at = context.now().toISOString();
    const nonce = createNonce(context);
    const id = found && isAgain(context, found.value, requestDigest) ? found.value.id : nonce;
    const record = { nonce, id, requestDigest, at, state: "doing", renewedAt: at } as const;
    const bytes = encodeRecord(record);
    const condition = found ? { ifMatch: found.etag } : ({ ifNoneMatch: "*" } as const);
    if (!(await putIf(context.store, key, { bytes, condition }))) continue;
    if (!found) await makeRoom(context, key);
    return { state: "begun", ...begun(context, key, record) };
  }
  throw new RegistryError("conflict", "Too many use this idempotency key at once: send the request again.");
}

/** Undefined where the request may be done: the key's record has expired, or was left, or its process died. */
function whatStands(context: RegistryContext, record: OnceRecord, requestDigest: string): Once | undefined {
  const nowMs = context.now().getTime();
  if (record.state === "left" || nowMs - Date.parse(record.at) >= ONCE_KEPT_MS) return undefined;
  if (record.requestDigest !== requestDigest) return { state: "other" };
  if (record.state === "done") return { state: "done", answer: record.answer ?? {} };
  return nowMs - Date.parse(record.renewedAt) < ONCE_UNRENEWED_MS_MAX ? { state: "doing" } : undefined;
}

/** The same request, begun not too long ago by a process that died, or that believed it had changed nothing. */
function isAgain(
  context: RegistryContext,
  { state, at, requestDigest }: OnceRecord,
  givenDigest: string,
): boolean {
  const isRecent = context.now().getTime() - Date.parse(at) < ONCE_KEPT_MS;
  return state !== "done" && requestDigest === givenDigest && isRecent;
}

function begun(context: RegistryContext, key: string, record: OnceRecord): OnceBegun {
  // One after another: each replaces what the one before wrote.
  let last = Promise.resolve();
  const write = (change: Partial<OnceRecord>) => {
    const next = last.then(() => replaceOwn(context, key, { ...record, ...change }));
    last = next.catch(() => undefined);
    return next;
  };
  return {
    id: record.id,
    renew: () => write({ renewedAt: context.now().toISOString() }),
    finish: async (answer) => {
      const { byteLength } = encodeRecord(answer);
      if (byteLength > ONCE_ANSWER_BYTES_MAX) {
        const message = `An answer of ${byteLength} bytes is not kept; at most ${ONCE_ANSWER_BYTES_MAX} are.`;
        throw new RegistryError("limit_exceeded", message);
      }
      await write({ state: "done", answer });
    },
    leave: () => write({ state: "left" }),
  };
}

/** Nothing where another process has taken the request over meanwhile. */
async function replaceOwn(context: RegistryContext, key: string, record: OnceRecord): Promise<void> {
  const standing = await readRecord(context.store, key, onceSchema);
  if (standing?.value.nonce !== record.nonce) return;
  await putIf(context.store, key, { bytes: encodeRecord(record), condition: { ifMatch: standing.etag } });
}

/** Of expired records: what was just written says what time it is by the store's clock. Throws limit_exceeded. */
async function makeRoom({ store }: RegistryContext, written: string): Promise<void> {
  const { objects = [] } = await store.list({ prefix: folderOf(written), withDetails: true });
  const nowMs = objects.find(({ key }) => key === written)?.modifiedMs ?? 0;
  const removed = await removeExpired(store, objects, nowMs);
  if (objects.length - removed <= ONCE_RECORDS_PER_FOLDER_MAX) return;
  await store.delete(written);
  throw new RegistryError(
    "limit_exceeded",
    "You have used too many idempotency keys within a day: send the request without one, or later.",
  );
}

/** Those of a tenant that sends no more keys, too. nowMs: by the store's clock. */
export async function removeExpiredOnce(
  { store }: RegistryContext,
  tenant: TenantId,
  nowMs: number,
): Promise<void> {
  for await (const page of objectPages(store, oncePrefix(tenant))) await removeExpired(store, page, nowMs);
}

/** How many. Twice as old as need be: no key is looked after any more. */
async function removeExpired(
  store: ObjectStore,
  records: readonly ObjectDetails[],
  nowMs: number,
): Promise<number> {
  const expired = records.filter(({ modifiedMs }) => nowMs - modifiedMs > 2 * ONCE_KEPT_MS);
  await mapInParallel(expired, ({ key }) => store.delete(key));
  return expired.length;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}
