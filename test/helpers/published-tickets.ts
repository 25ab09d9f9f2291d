// For tests of whole servers: a tiny backbone in a folder, and the adapter "tickets" on it in a store, with a key.
import { parseBackbone, serializeAdapter } from "#model";
import { createRegistry, openObjectStore, parseAdapterName, parseTenantId } from "#registry";
import { makeRandomAdapter } from "./random-adapter.ts";
import { makeTinyBackbone, writeTinyBackbone } from "./tiny-backbone.ts";

/** The secret of a key of the tenant "acme". The adapter has two classes. */
export async function publishTickets({
  storeUrl,
  backboneFolder,
}: {
  readonly storeUrl: string;
  readonly backboneFolder: string;
}): Promise<string> {
  await writeTinyBackbone(backboneFolder);
  const { id, digest, config } = parseBackbone("tiny", makeTinyBackbone());
  const adapter = makeRandomAdapter({ width: config.width, seed: 1, classes: 2, generators: [] });
  const store = await openObjectStore(storeUrl);
  const registry = createRegistry({ store });
  const tenant = parseTenantId("acme");
  const { secret } = await registry.createKey(tenant, "test");
  await registry.publish(tenant, {
    name: parseAdapterName("tickets"),
    files: serializeAdapter(adapter, { id, digest }),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id, digest, width: config.width },
      labels: [...adapter.labels],
      ...{ insertions: [], temperature: adapter.temperature, report: {} },
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
    },
    alias: "production",
  });
  await store.close();
  return secret;
}
