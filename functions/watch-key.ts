// For answers that go on: whether the credential that asked for them is still good, looked at now and then.
import type { AppContext } from "./app-env.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { codeOf } from "./problem.ts";
import type { Services } from "./services.ts";

/** A revoked key ends what goes on within this, beyond what a revocation takes anyway. */
export const KEY_CHECK_MS = 5_000;

type Port = Pick<Services, "registry" | "keyUses" | "tokens">;

export interface KeyWatch {
  readonly hasEnded: () => boolean;
  /** When the answer is whole. */
  end(): void;
}

/** A key that cannot be looked up has not ended. */
export function watchKey(port: Port, c: AppContext): KeyWatch {
  let hasEnded = false;
  const timer = setInterval(() => {
    requireKey(port, c).catch((error: unknown) => {
      hasEnded ||= codeOf(error) === "unauthenticated";
    });
  }, KEY_CHECK_MS);
  return { hasEnded: () => hasEnded, end: () => clearInterval(timer) };
}

/** Throws RequestError unauthenticated, and what looking the key up does. */
export async function requireKey(port: Port, c: AppContext): Promise<void> {
  await authenticate(port)(c, async () => undefined);
}
