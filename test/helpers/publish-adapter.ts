// Publishes an adapter that a test made up as the trainer publishes one that it trained.
import { type Adapter, type Backbone, serializeAdapter, shapeOfInsertion } from "#model";
import { parseAdapterName, type Registry, type ResolvedAdapter, type TenantId } from "#registry";

/** The next version of the name, with the alias production. */
export async function publishAdapterOn(
  { id, digest, config }: Pick<Backbone, "id" | "digest" | "config">,
  registry: Pick<Registry, "publish" | "setAlias">,
  { tenant, name, adapter }: { tenant: TenantId; name: string; adapter: Adapter },
): Promise<ResolvedAdapter> {
  const published = await registry.publish(tenant, {
    name: parseAdapterName(name),
    files: serializeAdapter(adapter, { id, digest }),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id, digest, width: config.width },
      labels: [...adapter.labels],
      insertions: adapter.insertions.map(shapeOfInsertion),
      temperature: adapter.temperature,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: {},
    },
  });
  const { version } = published;
  await registry.setAlias(tenant, published.name, { alias: "production", version });
  return published;
}
