// Changes of adapters while they are asked for, by the registry's own doors on the store the server reads: from
// another process than the server's, as a trainer or the command line would.
import type { Backbone } from "#model";
import { type AdapterName, parseAdapterName, parseTenantId, type Registry } from "#registry";
import { ADAPTER_NAME, publishAdapter, type Tenant } from "../load/tenants.ts";
import { areApart, type References } from "./references.ts";
import type { Reigns } from "./reigns.ts";

export const CHANGES = ["replace", "rollback", "remove", "restore"] as const;
export type Change = (typeof CHANGES)[number];

export interface ChurnOptions {
  readonly registry: Registry;
  readonly backbone: Backbone;
  readonly tenants: readonly Tenant[];
  readonly reigns: readonly Reigns[];
  readonly references: References;
  readonly random: () => number;
  /** Seeds of versions to come start here. */
  readonly firstSeed: number;
}

const REPLACE_SHARE = 0.5;
const ROLLBACK_SHARE = 0.3;
const NAME: AdapterName = parseAdapterName(ADAPTER_NAME);

export class Churn {
  readonly #options: ChurnOptions;
  #seed: number;

  constructor(options: ChurnOptions) {
    this.#options = options;
    this.#seed = options.firstSeed;
  }

  /** One change of one adapter, chosen by chance; one that was removed comes back. */
  async changeOne(): Promise<Change> {
    const { tenants, reigns, random } = this.#options;
    const at = Math.floor(random() * tenants.length);
    const [own, tenant] = [reigns[at], tenants[at]];
    if (!own || !tenant) throw new Error("invariant: tenants are picked by index");
    const change = this.#choose(own);
    const [fromMs, digest] = await this.#make(change, { tenant, own });
    own.change(digest, { fromMs, endedMs: performance.now() });
    return change;
  }

  #choose(reigns: Reigns): Change {
    if (reigns.current === undefined) return "restore";
    const drawn = this.#options.random();
    if (drawn < REPLACE_SHARE) return "replace";
    return drawn < REPLACE_SHARE + ROLLBACK_SHARE ? "rollback" : "remove";
  }

  /** When it was asked for, and the digest that is current then. */
  async #make(
    change: Change,
    { tenant: { id }, own }: { tenant: Tenant; own: Reigns },
  ): Promise<[fromMs: number, digest: string | undefined]> {
    const { registry, backbone, references } = this.#options;
    const tenant = parseTenantId(id);
    // What takes long of a replacement is done before it is asked for.
    const next = change === "replace" ? await this.#draw(own) : undefined;
    const fromMs = performance.now();
    if (next) {
      const { digest } = await publishAdapter(registry, backbone, { tenant: id, seed: next.seed });
      references.set(digest, next.expected);
      return [fromMs, digest];
    }
    if (change === "remove") {
      await registry.deleteAdapter(tenant, NAME);
      return [fromMs, undefined];
    }
    if (change === "restore") await registry.restoreAdapter(tenant, NAME);
    else await registry.rollback(tenant, NAME, { alias: "production" }).catch(unlessFirst);
    const { digest } = await registry.resolve(tenant, { name: NAME, alias: "production" });
    return [fromMs, digest];
  }

  async #draw({ current }: Reigns) {
    const { references } = this.#options;
    for (;;) {
      const seed = this.#seed++;
      const expected = await references.compute(seed);
      if (areApart(expected, references.of(current))) return { seed, expected };
    }
  }
}

/** One that never was another version stays what it is. */
function unlessFirst(error: unknown): void {
  if (error instanceof Error && "code" in error && error.code === "no_earlier_version") return;
  throw error;
}
