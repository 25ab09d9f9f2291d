// What an adapter's history must say, for the tests of this room: a model that is nothing but maps makes the same
// changes one after another; each must be one that it allows, and what readers see at the end must be what it has.
import { expect } from "vitest";
import type { AdapterChange } from "./change.ts";
import { ROLLBACK_TRAIL_MAX } from "./limits.ts";
import type { Registry } from "./registry.ts";
import { alpha, router } from "./test-registry.ts";

/** Oldest first; sequences without gap or double. */
export async function readHistory(reader: Registry): Promise<AdapterChange[]> {
  const changes: AdapterChange[] = [];
  for (let before: number | undefined; ; ) {
    const page = await reader
      .listHistory(alpha, router, { limit: 5, ...(before !== undefined && { before }) })
      .catch((error: { code?: string }) => {
        if (error.code !== "adapter_not_found") throw error;
        return { changes: [], next: undefined };
      });
    changes.push(...page.changes);
    if (page.next === undefined) break;
    before = page.next;
  }
  const oldestFirst = changes.toReversed();
  expect(oldestFirst.map(({ sequence }) => sequence)).toEqual(oldestFirst.map((_, index) => index + 1));
  return oldestFirst;
}

interface Pointer {
  version: number;
  publishedThrough: number;
  trail: number[];
  isProtected: boolean;
}

export class HistoryModel {
  readonly aliases = new Map<string, Pointer>();
  readonly deletedVersions = new Set<number>();
  isDeleted = false;

  /** Throws where the change is not allowed in this state. */
  apply(change: AdapterChange): void {
    const { action, alias = "", version = 0 } = change;
    const pointer = this.aliases.get(alias);
    expect(this.isDeleted).toBe(action === "restore_adapter");
    if (action === "move_alias" || action === "rollback") {
      expect(change.from).toBe(pointer?.version);
      expect(this.deletedVersions).not.toContain(version);
      expect(version).not.toBe(pointer?.version);
      if (pointer?.isProtected) expect(change).toMatchObject({ forced: true });
      if (action === "move_alias") this.#move(change, pointer);
      else this.#rollBack(version, pointer);
    } else if (action === "hold_alias") {
      expect(pointer?.isProtected).toBe(true);
      expect(version).toBeGreaterThan(pointer?.publishedThrough ?? Number.POSITIVE_INFINITY);
      if (pointer) pointer.publishedThrough = version;
    } else if (action === "protect_alias") {
      expect(pointer?.isProtected).toBe(!change.protected);
      if (pointer) pointer.isProtected = change.protected === true;
    } else if (action === "delete_version") {
      expect([...this.aliases.values()].map((other) => other.version)).not.toContain(version);
      expect(this.deletedVersions).not.toContain(version);
      this.deletedVersions.add(version);
    } else if (action === "restore_version") {
      expect(this.deletedVersions.delete(version)).toBe(true);
    } else if (action === "delete_adapter") {
      if ([...this.aliases.values()].some(({ isProtected }) => isProtected)) expect(change.forced).toBe(true);
      this.isDeleted = true;
    } else {
      expect(action).toBe("restore_adapter");
      this.isDeleted = false;
    }
  }

  #move({ alias = "", version = 0, automatic }: AdapterChange, pointer: Pointer | undefined): void {
    const through = pointer?.publishedThrough ?? 0;
    if (automatic) expect(version).toBeGreaterThan(Math.max(through, pointer?.version ?? 0));
    this.aliases.set(alias, {
      version,
      publishedThrough: automatic ? version : through,
      trail: (pointer ? [pointer.version, ...pointer.trail] : []).slice(0, ROLLBACK_TRAIL_MAX),
      isProtected: pointer?.isProtected ?? false,
    });
  }

  #rollBack(version: number, pointer: Pointer | undefined): void {
    const { trail = [] } = pointer ?? {};
    const isThere = (earlier: number) => earlier !== pointer?.version && !this.deletedVersions.has(earlier);
    expect(version).toBe(trail.find(isThere));
    if (!pointer) return;
    pointer.version = version;
    pointer.trail = trail.slice(trail.indexOf(version) + 1);
  }
}

/** What readers see is what the model has. */
export async function compareWithModel(reader: Registry, model: HistoryModel): Promise<void> {
  const { adapters } = await reader.listAdapters(alpha);
  const expected = Object.fromEntries([...model.aliases].map(([alias, { version }]) => [alias, version]));
  expect(adapters[0]?.aliases ?? {}).toEqual(expected);
  const { versions } = await reader
    .listVersions(alpha, router, { limit: 200 })
    .catch(() => ({ versions: [] }));
  const seen = versions.map(({ version }) => version);
  for (const version of model.deletedVersions) expect(seen).not.toContain(version);
  for (const [alias, { version }] of model.aliases) {
    const resolved = await reader.resolve(alpha, { name: router, alias });
    expect(resolved.version).toBe(version);
    expect(seen).toContain(version);
    await reader.readFiles(alpha, resolved.manifest);
  }
}

/** Each change but the last of a process that lost its reply is there; none is there twice. */
export async function checkAudit(reader: Registry, history: readonly AdapterChange[]): Promise<void> {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await reader.listAudit(alpha, { limit: 200, ...(after !== undefined && { after }) });
    ids.push(...page.entries.map(({ id }) => id));
    if (page.next === undefined) break;
    after = page.next;
  }
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id } of history.slice(0, -1)) expect(ids).toContain(id);
}
