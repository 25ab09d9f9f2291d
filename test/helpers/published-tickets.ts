// For tests of whole servers: a tiny backbone in a folder, and the adapter "tickets" on it in a store, with a key.
import { parseBackbone } from "#model";
import { createRegistry, openObjectStore, parseTenantId } from "#registry";
import { publishAdapterOn } from "./publish-adapter.ts";
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
  await publishAdapterOn({ id, digest, config }, registry, { tenant, name: "tickets", adapter });
  await store.close();
  return secret;
}
