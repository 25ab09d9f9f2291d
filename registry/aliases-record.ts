// The aliases of one adapter: one object, changed only by compare-and-swap, so that each move is seen
// by all or by none. Each alias keeps its last moves, by which a move that was retried is recognised.
import { z } from "zod";
import type { RegistryContext } from "./context.ts";
import { type AdapterOwner, aliasesKey } from "./layout.ts";
import { readRecord } from "./records.ts";

const moveSchema = z.strictObject({
  /** The nonce of the call that made it. */
  id: z.string(),
  version: z.int().min(1),
  by: z.enum(["publish", "set"]),
  at: z.iso.datetime(),
});

// A list, not a map by name: "constructor" is a fair name for an alias.
export const aliasesSchema = z.strictObject({
  aliases: z.array(
    z.strictObject({
      alias: z.string(),
      version: z.int().min(1),
      /** Newest first. */
      moves: z.array(moveSchema),
    }),
  ),
});

export type AliasesRecord = z.infer<typeof aliasesSchema>;
export type AliasMove = z.infer<typeof moveSchema>;

/** At most ALIAS_STALE_MS_MAX old; undefined when the adapter has no alias. */
export function readAliases(
  context: RegistryContext,
  owner: AdapterOwner,
): Promise<AliasesRecord | undefined> {
  const key = aliasesKey(owner);
  return context.aliases.read(key, async () => (await readRecord(context.store, key, aliasesSchema))?.value);
}
