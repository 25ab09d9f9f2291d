// Many adapters in little time: two are published in memory, and their manifests and states are written into
// the store once for each name, digests and all.
import { createHash } from "node:crypto";
import {
  createRegistry,
  type ObjectStore,
  openObjectStore,
  type PublishRequest,
  parseAdapterName,
  type TenantId,
} from "#registry";

export const RARE_LABEL = "rare";
/** One adapter of so many has the rare label. */
const RARE_ONE_OF = 100;
const WRITES_IN_FLIGHT = 16;
const TOLD_EVERY = 1_000;

interface Size {
  readonly tenant: TenantId;
  readonly adapters: number;
  readonly versions: number;
}

/** index → a name; names are in the order of indices. */
export function adapterName(index: number): string {
  return `adapter-${String(index).padStart(7, "0")}`;
}

export async function writeAdapters(
  store: ObjectStore,
  { tenant, adapters, versions }: Size,
  progress: (written: number) => void,
): Promise<void> {
  const usual = await publishOne({ tenant, versions, labels: ["no", "yes"] });
  const rare = await publishOne({ tenant, versions, labels: ["no", RARE_LABEL] });
  let next = 0;
  const worker = async () => {
    while (next < adapters) {
      const index = next;
      next += 1;
      await writeOne(store, index % RARE_ONE_OF === 0 ? rare : usual, adapterName(index));
      if ((index + 1) % TOLD_EVERY === 0) progress(index + 1);
    }
  };
  await Promise.all(Array.from({ length: WRITES_IN_FLIGHT }, worker));
}

const TEMPLATE_NAME = "the-adapter-that-others-are-copies-of";

/** Keys and records, with the template's name where an adapter's own belongs; manifests before the state. */
async function publishOne({
  tenant,
  versions,
  labels,
}: Pick<Size, "tenant" | "versions"> & { labels: string[] }): Promise<[string, string][]> {
  const store = await openObjectStore("memory:");
  const registry = createRegistry({ store });
  const name = parseAdapterName(TEMPLATE_NAME);
  for (let version = 1; version <= versions; version += 1) {
    await registry.publish(tenant, { name, files: FILES, manifest: { ...MANIFEST, labels } });
  }
  const { keys } = await store.list({ prefix: `tenants/${tenant}/adapters/` });
  const kept = keys.filter((key) => !key.includes("/claims/"));
  return Promise.all(kept.map(async (key) => [key, textOf((await store.get(key))?.bytes)]));
}

async function writeOne(store: ObjectStore, template: [string, string][], name: string): Promise<void> {
  const digests = new Map<string, string>();
  for (const [templateKey, templateText] of template) {
    const key = templateKey.replace(TEMPLATE_NAME, name);
    let text = templateText.replaceAll(TEMPLATE_NAME, name);
    if (key.includes("/manifests/")) digests.set(digestOf(templateText), digestOf(text));
    else for (const [old, own] of digests) text = text.replaceAll(old, own);
    await store.put(key, new TextEncoder().encode(text));
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

const FILES = { config: new Uint8Array(1), weights: new Uint8Array(1) };
const MANIFEST: PublishRequest["manifest"] = {
  createdBy: { softgate: "0.0.0" },
  backbone: { id: "bench", digest: `sha256:${"a".repeat(64)}`, width: 384 },
  labels: [],
  insertions: [],
  temperature: 1,
  dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 100 },
  report: { heldOut: { accuracy: 0.9, macroF1: 0.9 } },
};
