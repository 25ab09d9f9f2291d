// Marks a store with the number of its layout on the first write, and refuses to write into a newer one.
import { z } from "zod";
import { RegistryError } from "./errors.ts";
import { LAYOUT_VERSION, layoutKey } from "./layout.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { encodeRecord, putIf, readRecord } from "./records.ts";

const layoutSchema = z.object({ layout: z.int() });

/** The check is done once; a failed one is done again. It throws store_unsuitable. */
export function createEnsureLayout(store: ObjectStore): () => Promise<void> {
  let checked: Promise<void> | undefined;
  return () => {
    checked ??= checkLayout(store).catch((error) => {
      checked = undefined;
      throw error;
    });
    return checked;
  };
}

/** For one that reads alone: a store that nothing was written to has no layout yet. Throws store_unsuitable. */
export async function requireKnownLayout(store: ObjectStore): Promise<void> {
  const found = await readRecord(store, layoutKey, layoutSchema);
  if (found) requireThisLayout(found.value.layout);
}

async function checkLayout(store: ObjectStore): Promise<void> {
  const bytes = encodeRecord({ layout: LAYOUT_VERSION });
  const found = await readRecord(store, layoutKey, layoutSchema);
  if (!found && (await putIf(store, layoutKey, { bytes, condition: { ifNoneMatch: "*" } }))) return;
  requireThisLayout((found ?? (await readRecord(store, layoutKey, layoutSchema)))?.value.layout);
}

function requireThisLayout(layout: number | undefined): void {
  if (layout === LAYOUT_VERSION) return;
  throw new RegistryError(
    "store_unsuitable",
    `This store has layout ${layout}, and this Softgate writes layout ${LAYOUT_VERSION}: use the Softgate that wrote it, or another store.`,
  );
}
