// For tests: what a process does that dies at any moment. A step is one change, answered with what a reader must find
// from then on. It can be made again by a process that does not know whether the one before it came to its end, as
// clients do: publishes by their idempotency key, rollbacks by where the alias was, and so on.
import { createRegistry } from "../create-registry.ts";
import { HISTORY_SEGMENT_CHANGES } from "../limits.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import { type AdapterName, parseAdapterName, type Registry, type ResolvedAdapter } from "../registry.ts";
import { alpha, encode, publishRequest, router } from "../test-registry.ts";

/** As of test/helpers/random.ts. */
export interface Random {
  uniform(): number;
}

export interface Step {
  readonly name: string;
  /** earlier: what the steps before were answered. The answer is JSON. */
  readonly make: (registry: Registry, earlier: Answers) => Promise<unknown>;
  /** What a reader finds: the answer, once it was given. */
  readonly find: (registry: Registry, answer: unknown) => Promise<unknown>;
  /** Of a change of an adapter, whose history has it once; its reason is the step's name. */
  readonly adapter?: AdapterName;
}

export type Answers = ReadonlyMap<string, unknown>;

const filter = parseAdapterName("filter");
const actor = { id: "key_of_a_publisher" };
const DATASET = encode("text,label\na,b\n");
/** Of RFC 8032, 7.1, test 1. */
const PUBLIC_KEY = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

export const scenarios = {
  "a new store": [
    publish("first"),
    publish("second"),
    createKey("a key"),
    upload("a dataset"),
    evaluate("an evaluation", { of: "second", on: "a dataset" }),
  ],
  "a grown store": [
    publish("third"),
    change("an alias moved", router, (registry, why) =>
      registry.setAlias(alpha, router, { alias: "canary", version: 2, why, actor }),
    ),
    change("an alias rolled back", router, (registry, why, earlier) =>
      registry.rollback(alpha, router, { alias: "production", from: versionOf(earlier, "third"), why }),
    ),
    change("an alias protected", router, (registry, why) =>
      registry.protectAlias(alpha, router, { alias: "canary", protected: true, why }),
    ),
    change("a version deleted", router, (registry, why) =>
      registry.deleteVersion(alpha, router, { version: 1, why }),
    ),
    change("a version restored", router, (registry, why) =>
      registry.restoreVersion(alpha, router, { version: 1, why }),
    ),
    change("an adapter deleted", filter, (registry, why) => registry.deleteAdapter(alpha, filter, { why })),
    change("an adapter restored", filter, (registry, why) => registry.restoreAdapter(alpha, filter, { why })),
    setLimits("limits set"),
    addSigningKey("a signing key"),
    revokeKeys("keys revoked"),
  ],
  "a long history": [
    change("an alias moved once", router, (registry, why) =>
      registry.setAlias(alpha, router, { alias: "canary", version: 2, why }),
    ),
    change("an alias moved twice", router, (registry, why) =>
      registry.setAlias(alpha, router, { alias: "canary", version: 1, why }),
    ),
  ],
} as const satisfies Record<string, readonly Step[]>;

export type Scenario = keyof typeof scenarios;

/** The clock stands, so that what is written is the same each time. */
export function openAsPublisher(store: ObjectStore, random: Random): Registry {
  return createRegistry({
    store,
    now: () => new Date(Date.UTC(2026, 0, 1)),
    randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random.uniform() * 256)),
  });
}

/** What stands before a scenario begins. The second step of the long history begins a segment of it. */
export async function prepare(registry: Registry, scenario: Scenario): Promise<void> {
  if (scenario === "a new store") return;
  for (const text of ["one", "two"]) await registry.publish(alpha, publishRequest(text));
  const changes = scenario === "a long history" ? 2 * HISTORY_SEGMENT_CHANGES - 1 : 3;
  for (let made = 2; made < changes; made += 1) {
    await registry.setAlias(alpha, router, { alias: "canary", version: 1 + (made % 2) });
  }
  if (scenario === "a long history") return;
  await registry.publish(alpha, publishRequest("filter", { name: filter }));
  await registry.createKey(alpha, "to be revoked");
}

function publish(text: string): Step {
  return {
    name: text,
    make: async (registry) => {
      const request = publishRequest(text, { idempotencyKey: `job of ${text}`, actor });
      const { version, digest } = await registry.publish(alpha, request);
      return { version, digest, config: `config of ${text}` };
    },
    find: async (registry, answer) => {
      const { version } = answer as ResolvedAdapter;
      const { manifest, digest } = await registry.resolve(alpha, { name: router, version });
      const { config } = await registry.readFiles(alpha, manifest);
      return { version, digest, config: new TextDecoder().decode(config) };
    },
  };
}

/** make: answers with an error where the change was made already, which the history tells apart. */
function change(
  name: string,
  adapter: AdapterName,
  make: (registry: Registry, why: string, earlier: Answers) => Promise<unknown>,
): Step {
  return {
    name,
    adapter,
    make: async (registry, earlier) => {
      try {
        await make(registry, name, earlier);
      } catch (error) {
        if (!isOfChangeMade(error)) throw error;
      }
      return null;
    },
    find: async () => null,
  };
}

function createKey(name: string): Step {
  return {
    name,
    make: async (registry) => {
      const { record, secret } = await registry.createKey(alpha, name, { actor });
      return { secret, keyId: record.id, tenant: alpha, scopes: record.scopes };
    },
    find: async (registry, answer) => {
      const { secret } = answer as { secret: string };
      return { secret, ...(await registry.authenticate(secret)) };
    },
  };
}

function upload(name: string): Step {
  const dataset = {
    ...{ bytes: DATASET, rows: 1, labels: ["b"], fileName: "a.csv", mediaType: "text/csv" as const },
    columns: { text: "text", label: "label" },
  };
  return {
    name,
    make: (registry) => registry.putDataset(alpha, { ...dataset, actor }),
    find: async (registry, answer) => {
      const { content: _, ...record } = await registry.getDataset(alpha, (answer as { id: string }).id);
      return record;
    },
  };
}

function evaluate(name: string, { of, on }: { of: string; on: string }): Step {
  const record = (registry: Registry, accuracy: number, what: { version: number; datasetId: string }) =>
    registry.recordEvaluation(alpha, router, {
      ...{ ...what, rows: 1, accuracy, macroF1: 1, precision: "fp32", softgate: "0.0.0", actor },
    });
  return {
    name,
    make: async (registry, earlier) => {
      const { id: datasetId } = earlier.get(on) as { id: string };
      const version = versionOf(earlier, of);
      return { version, ...(await record(registry, 1, { version, datasetId })) };
    },
    // The first that was recorded stands, whatever others say.
    find: async (registry, answer) => {
      const { version, dataset } = answer as { version: number; dataset: { id: string } };
      return { version, ...(await record(registry, 0, { version, datasetId: dataset.id })) };
    },
  };
}

function addSigningKey(name: string): Step {
  return {
    name,
    make: (registry) => registry.addSigningKey(alpha, { publicKey: PUBLIC_KEY, name }, actor),
    find: async (registry) => (await registry.getSigning(alpha)).keys[0],
  };
}

function setLimits(name: string): Step {
  const limits = { adapters: 7, versionsPerAdapter: 70, bytes: 7_000_000 };
  return {
    name,
    make: (registry) => registry.setTenantLimits(alpha, limits, actor),
    find: async (registry) => {
      const { adapters, versionsPerAdapter, bytes } = await registry.getUsage(alpha);
      return {
        adapters: adapters.limit,
        versionsPerAdapter: versionsPerAdapter.limit,
        bytes: bytes.limit,
      };
    },
  };
}

function revokeKeys(name: string): Step {
  const find = async (registry: Registry) => {
    const { keys } = await registry.listKeys(alpha);
    return keys.map(({ id, revokedAt }) => ({ id, isRevoked: revokedAt !== undefined }));
  };
  return {
    name,
    make: async (registry) => {
      for (const { id } of (await registry.listKeys(alpha)).keys) await registry.revokeKey(id, { actor });
      return find(registry);
    },
    find,
  };
}

function versionOf(earlier: Answers, name: string): number {
  const answer = earlier.get(name) as { version: number } | undefined;
  if (!answer) throw new Error(`invariant: ${name} was not published before`);
  return answer.version;
}

const codesOfChangeMade: ReadonlySet<unknown> = new Set([
  "adapter_not_found",
  "version_not_found",
  "conflict",
]);

function isOfChangeMade(error: unknown): boolean {
  return error instanceof Error && "code" in error && codesOfChangeMade.has(error.code);
}
