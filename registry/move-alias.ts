// Moves an alias by compare-and-swap. A move that was made is found in the alias's past moves by its
// id, so a lost reply does not make it twice. A publish only moves forward, and only once per version:
// a late or retried one must not undo what was published, or rolled back, since.
import { type AliasesRecord, type AliasMove, aliasesSchema } from "./aliases-record.ts";
import { createNonce, type RegistryContext } from "./context.ts";
import { RegistryError } from "./errors.ts";
import { type AdapterOwner, aliasesKey } from "./layout.ts";
import { ALIAS_HISTORY_MAX, ALIASES_PER_ADAPTER_MAX, SWAP_ATTEMPTS_MAX } from "./limits.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";

interface Move extends Pick<AliasMove, "version" | "by"> {
  readonly alias: string;
}

type Pointer = AliasesRecord["aliases"][number];

/** The version must exist. Throws conflict, limit_exceeded. */
export async function moveAlias(context: RegistryContext, owner: AdapterOwner, move: Move): Promise<void> {
  const key = aliasesKey(owner);
  const { version, by } = move;
  const entry = { id: createNonce(context), version, by, at: context.now().toISOString() };
  try {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt += 1) {
      const current = await readRecord(context.store, key, aliasesSchema);
      const changed = withMove(current?.value ?? { aliases: [] }, move.alias, entry);
      if (!changed) return;
      const condition = current ? { ifMatch: current.etag } : ({ ifNoneMatch: "*" } as const);
      if (await putIf(context.store, key, { bytes: encodeRecord(changed), condition })) return;
    }
  } finally {
    context.aliases.forget(key);
  }
  throw new RegistryError("conflict", `Too many move aliases of ${owner.name} at once: move it again.`);
}

/** Undefined when there is nothing to do. */
function withMove({ aliases }: AliasesRecord, alias: string, move: AliasMove): AliasesRecord | undefined {
  const pointer = aliases.find((entry) => entry.alias === alias);
  if (pointer && isDone(pointer, move)) return undefined;
  if (!pointer && aliases.length >= ALIASES_PER_ADAPTER_MAX) {
    const message = `An adapter has at most ${ALIASES_PER_ADAPTER_MAX} aliases: move one that there is.`;
    throw new RegistryError("limit_exceeded", message);
  }
  const moves = [move, ...(pointer?.moves ?? [])].slice(0, ALIAS_HISTORY_MAX);
  const others = aliases.filter((entry) => entry !== pointer);
  return { aliases: [...others, { alias, version: move.version, moves }] };
}

function isDone({ version, moves }: Pointer, move: AliasMove): boolean {
  if (moves.some(({ id }) => id === move.id)) return true;
  if (move.by === "set") return false;
  return (
    version > move.version || moves.some((past) => past.by === "publish" && past.version === move.version)
  );
}
