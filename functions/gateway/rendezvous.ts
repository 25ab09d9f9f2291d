// Which server a key belongs to: the one whose hash with it is highest (Thaler and Ravishankar, "Using name-based
// mappings to increase hit rates", 1998). Where servers come or go, the keys of no other move.
import { createHash } from "node:crypto";

/** Names in the order in which they are asked for a key. */
export function rendezvousOrder(key: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, weight: createHash("sha256").update(`${name}\n${key}`).digest("hex") }))
    .sort((one, other) => (one.weight < other.weight ? 1 : -1))
    .map(({ name }) => name);
}
