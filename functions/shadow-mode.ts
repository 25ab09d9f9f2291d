// Asks an adapter's shadow what production has just answered, and counts how often both say the same. Only once the
// answer is on its way, one request at a time, and only while nobody else waits for the classifier; what it meets with
// is counted and never told to the caller. Counts are this server's own and end with it; texts are not kept.
import { setTimeout } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { indexOfLargest, type TextInput } from "#model";
import { type AdapterName, DEFAULT_ALIAS, parseAdapterReference } from "#registry";
import { adapterOf, requireSameBackbone } from "./load-adapter.ts";
import type { ClassifierPort, ResolvedAdapter, Services, TenantId } from "./services.ts";

/** Of a request; of more the first are asked. */
const SHADOWED_TEXTS_MAX = 16;
/** Adapters with counts; of more those that were asked longest ago are forgotten. */
const SHADOWS_COUNTED_MAX = 1_000;
/** That a shadow may take. */
const SHADOW_MS_MAX = 10_000;

export interface ShadowCounts {
  /** What is compared; other versions begin anew. */
  readonly production: number;
  readonly shadow: number;
  /** When the first was asked. */
  readonly since: string;
  /** Texts that both have answered. */
  readonly texts: number;
  /** Of these, those with the same best label. */
  readonly agreed: number;
  /** Requests that were drawn while the classifier, or another shadow, was busy. */
  readonly skipped: number;
  /** Requests that the shadow could not answer. */
  readonly failed: number;
}

interface AnsweredRequest {
  readonly tenant: TenantId;
  readonly adapterId: string;
  readonly resolved: ResolvedAdapter;
  readonly inputs: readonly TextInput[];
  /** Of each text. */
  readonly answers: readonly { readonly scores_C: Float32Array; readonly labels: readonly string[] }[];
}

type Counted = { -readonly [Field in keyof ShadowCounts]: ShadowCounts[Field] };

export class ShadowMode {
  readonly #services: Pick<Services, "registry" | "classifier" | "backbone">;
  readonly #random: () => number;
  readonly #counts = new LRUCache<string, Counted>({ max: SHADOWS_COUNTED_MAX });
  #underWay = 0;
  #isAsking = false;

  constructor(
    services: Pick<Services, "registry" | "classifier" | "backbone">,
    random: () => number = Math.random,
  ) {
    this.#services = services;
    this.#random = random;
  }

  /** The classifier for requests, which shadows give way to. */
  get classifier(): ClassifierPort {
    const { classifier } = this.#services;
    return {
      classify: async (...request) => {
        this.#underWay += 1;
        try {
          return await classifier.classify(...request);
        } finally {
          this.#underWay -= 1;
        }
      },
      probe: () => classifier.probe(),
    };
  }

  /** Undefined where nothing was asked yet. */
  countsOf(tenant: TenantId, name: AdapterName): ShadowCounts | undefined {
    return this.#counts.get(keyOf(tenant, name));
  }

  /** Never rejects, and no answer has to wait for it. */
  async follow(answered: AnsweredRequest): Promise<void> {
    const reference = parseAdapterReference(answered.adapterId);
    if (!("alias" in reference) || reference.alias !== DEFAULT_ALIAS) return;
    const { tenant, resolved } = answered;
    const { registry, backbone } = this.#services;
    try {
      // The answer goes first.
      await setTimeout(0);
      const setting = await registry.findShadow(tenant, resolved.name);
      if (!setting || this.#random() >= setting.share) return;
      const shadow = await registry.resolve(tenant, { name: resolved.name, alias: setting.alias });
      if (shadow.digest === resolved.digest) return;
      const counts = this.#countsFor(tenant, { resolved, shadow });
      if (this.#isAsking || this.#underWay > 0) {
        counts.skipped += 1;
        return;
      }
      requireSameBackbone(shadow, backbone);
      await this.#compare(answered, { shadow, counts });
    } catch {
      const counts = this.#counts.get(keyOf(tenant, resolved.name));
      if (counts) counts.failed += 1;
    }
  }

  async #compare(
    { tenant, inputs, answers }: AnsweredRequest,
    { shadow, counts }: { shadow: ResolvedAdapter; counts: Counted },
  ): Promise<void> {
    const { registry, classifier } = this.#services;
    this.#isAsking = true;
    try {
      const asked = inputs.slice(0, SHADOWED_TEXTS_MAX);
      const said = await classifier.classify(adapterOf(registry, tenant, shadow), asked, {
        timeoutMs: SHADOW_MS_MAX,
      });
      counts.texts += said.length;
      counts.agreed += said.filter((answer, index) => bestOf(answer) === bestOf(answers[index])).length;
    } finally {
      this.#isAsking = false;
    }
  }

  #countsFor(
    tenant: TenantId,
    { resolved, shadow }: Record<"resolved" | "shadow", ResolvedAdapter>,
  ): Counted {
    const key = keyOf(tenant, resolved.name);
    const known = this.#counts.get(key);
    if (known?.production === resolved.version && known.shadow === shadow.version) return known;
    const versions = { production: resolved.version, shadow: shadow.version };
    const counts = {
      ...versions,
      since: new Date().toISOString(),
      texts: 0,
      agreed: 0,
      skipped: 0,
      failed: 0,
    };
    this.#counts.set(key, counts);
    return counts;
  }
}

function keyOf(tenant: TenantId, name: string): string {
  return `${tenant}/${name}`;
}

function bestOf(answer: AnsweredRequest["answers"][number] | undefined): string | undefined {
  return answer?.labels[indexOfLargest(answer.scores_C)];
}
