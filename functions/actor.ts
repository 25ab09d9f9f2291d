// Who makes a change, for history and audit: the key that the request came with, never its secret.
import type { Actor } from "#registry";
import type { AppContext } from "./app-env.ts";

export function actorOf(c: AppContext): Actor {
  return { id: c.get("keyId"), requestId: c.get("requestId") };
}
