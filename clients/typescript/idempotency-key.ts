// Of a request that changes something: with a key, sent again it is done once.

const KEY_BYTES = 18;

/** What a request is sent with to be repeatable. */
export function withKey() {
  return { headers: { "Idempotency-Key": randomKey() }, isRepeatable: true };
}

/** Not crypto.randomUUID: pages that did not come by https, as an intranet's, have none. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
