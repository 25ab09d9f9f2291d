// A client that is refused while it still sends may lose the answer with the connection: what it sends is read away first.

const READ_AWAY_BYTES_MAX = 8 * 1024 * 1024;
/** A client that waits for its answer before it sends on must get it. */
const READ_AWAY_MS_MAX = 5_000;

/** Of a body that nobody has read; larger ones are left. Never rejects. */
export async function readAway({ body, bodyUsed }: Request): Promise<void> {
  if (!body || bodyUsed || body.locked) return;
  const reader = body.getReader();
  // What is being read then ends.
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), READ_AWAY_MS_MAX);
  try {
    for (let bytes = 0; bytes < READ_AWAY_BYTES_MAX; ) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The client has left.
  } finally {
    clearTimeout(timer);
  }
}
