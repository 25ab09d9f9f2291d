// What an adapter's history must say, for the tests of this room: a model that is nothing but maps makes the same
// changes one after another; each must be one that it allows, and what readers see at the end must be what it has.
import { expect } from "vitest";
import type { AdapterChange } from "./change.ts";
import { RESTORE_MS_DEFAULT, ROLLBACK_TRAIL_MAX } from "./limits.ts";
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

const collections: ReadonlySet<string> = new Set(["expire_versions", "collect_versions", "collect_adapter"]);

interface Pointer {
  version: number;
  publishedThrough: number;
  trail: number[];
  isProtected: boolean;
}

export class HistoryModel {
  readonly aliases = new Map<string, Pointer>();
  readonly deletedVersions = new Set<number>();
  /** For good, of those that were deleted one by one. */
  readonly collectedVersions = new Set<number>();
  isDeleted = false;
  readonly #restoreMs: number;
  readonly #deletedAtMs = new Map<number | "adapter", number>();
  #isCollected = false;

  constructor(restoreMs = RESTORE_MS_DEFAULT) {
    this.#restoreMs = restoreMs;
  }

  /** Throws where the change is not allowed in this state. */
  apply(change: AdapterChange): void {
    // A publish under the name of an adapter that cannot be restored any more begins it anew.
    if (this.isDeleted && change.automatic && change.action === "move_alias") this.#beginAnew();
    expect(this.isDeleted).toBe(["restore_adapter", "collect_adapter"].includes(change.action));
    if (collections.has(change.action)) this.#collect(change);
    else this.#change(change);
  }

  #change(change: AdapterChange): void {
    const { action, alias = "", version = 0 } = change;
    const pointer = this.aliases.get(alias);
    if (action === "move_alias" || action === "rollback") {
      expect(change.from).toBe(pointer?.version);
      expect(this.deletedVersions).not.toContain(version);
      expect(this.collectedVersions).not.toContain(version);
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
      this.#delete(change, version);
    } else if (action === "restore_version") {
      expect(this.deletedVersions.delete(version)).toBe(true);
    } else if (action === "delete_adapter") {
      if ([...this.aliases.values()].some(({ isProtected }) => isProtected)) expect(change.forced).toBe(true);
      this.isDeleted = true;
      this.#deletedAtMs.set("adapter", Date.parse(change.at));
    } else if (action === "restore_adapter") {
      expect(this.#isCollected).toBe(false);
      this.isDeleted = false;
    } else {
      expect(["set_retention", "set_shadow"]).toContain(action);
    }
  }

  #collect(change: AdapterChange): void {
    const { action, versions = [] } = change;
    expect(change.automatic).toBe(true);
    if (action === "collect_adapter") {
      expect(this.#isOver(change, "adapter") && !this.#isCollected).toBe(true);
      this.#isCollected = true;
      return;
    }
    expect(versions).not.toEqual([]);
    for (const version of versions) {
      if (action === "expire_versions") {
        this.#delete(change, version);
      } else {
        expect(this.#isOver(change, version) && this.deletedVersions.delete(version)).toBe(true);
        this.collectedVersions.add(version);
      }
    }
  }

  #delete({ at }: AdapterChange, version: number): void {
    expect([...this.aliases.values()].map((other) => other.version)).not.toContain(version);
    expect(this.deletedVersions).not.toContain(version);
    expect(this.collectedVersions).not.toContain(version);
    this.deletedVersions.add(version);
    this.#deletedAtMs.set(version, Date.parse(at));
  }

  #isOver({ at }: AdapterChange, what: number | "adapter"): boolean {
    return Date.parse(at) - (this.#deletedAtMs.get(what) ?? Number.NaN) >= this.#restoreMs;
  }

  #beginAnew(): void {
    for (const version of this.deletedVersions) this.collectedVersions.add(version);
    this.deletedVersions.clear();
    this.aliases.clear();
    this.isDeleted = false;
    this.#isCollected = false;
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
    const isGone = (earlier: number) =>
      this.deletedVersions.has(earlier) || this.collectedVersions.has(earlier);
    const isThere = (earlier: number) => earlier !== pointer?.version && !isGone(earlier);
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
  for (const version of model.collectedVersions) expect(seen).not.toContain(version);
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
