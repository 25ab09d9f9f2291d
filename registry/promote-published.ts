// Moves an alias to a version that was just published. Only forward, and only once per version: a late
// or retried publish must not undo what was published, or rolled back, since. A protected alias that may
// not move is held back: the version is published all the same, and the history says why.
import { type AdapterState, findPointer, isGone, withPointer } from "./adapter-state.ts";
import type { ChangeOptions } from "./change.ts";
import { changeAdapter } from "./change-adapter.ts";
import { findRefusal } from "./check-promotion.ts";
import type { RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import type { AdapterOwner } from "./layout.ts";
import type { ResolvedAdapter } from "./registry.ts";
import { reviveExpired } from "./remove-adapter.ts";
import { movePointer } from "./set-alias.ts";

/** The reason where the alias was held back. Throws adapter_deleted, conflict, limit_exceeded. */
export async function promotePublished(
  context: RegistryContext,
  owner: AdapterOwner,
  { alias, adapter, ...options }: ChangeOptions & { alias: string; adapter: ResolvedAdapter },
): Promise<string | undefined> {
  const { version, digest } = adapter;
  const plan = async (stored: AdapterState) => {
    const state = reviveExpired(context, owner, stored);
    requireNotGone(state, adapter);
    const pointer = findPointer(state, alias);
    if (pointer && version <= Math.max(pointer.publishedThrough, pointer.version)) return undefined;
    const refusal = await findRefusal(context, owner, { pointer, version });
    const entry = { alias, version, automatic: true as const, ...(pointer && { from: pointer.version }) };
    if (!refusal || !pointer) {
      const moved = movePointer(state, { alias, version, digest, publishedThrough: version });
      return { state: moved, entry: { ...entry, action: "move_alias" as const } };
    }
    return {
      state: withPointer(state, { ...pointer, publishedThrough: version }),
      entry: { ...entry, action: "hold_alias" as const, why: refusal.publicMessage },
    };
  };
  const { log } = await changeAdapter(context, owner, { plan, ...options });
  return log.find(
    (entry) => entry.action === "hold_alias" && entry.alias === alias && entry.version === version,
  )?.why;
}

/** A number that was decided under an idempotency key may have been deleted since. Throws conflict. */
export function requireNotGone(
  state: AdapterState,
  { name, version }: Pick<ResolvedAdapter, "name" | "version">,
): void {
  if (!isGone(state, version)) return;
  throw new RegistryError(
    "conflict",
    `What this publishes is ${name}:${version}, which was deleted since: restore it if it can be, or publish with another key.`,
  );
}
