// softgate adapters gc: removes what is deleted, or named by nothing, for so long that it is not needed again.
import { Command, InvalidArgumentError } from "commander";
import {
  type Collection,
  GARBAGE_AGE_MS_MIN,
  parseTenantId,
  type Registry,
  RegistryError,
  type RegistryErrorCode,
  type Removed,
  type TenantId,
} from "#registry";
import { duration } from "../duration.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { CLI_ACTOR, type TenantOptions, withTenant } from "../options.ts";
import { json, table } from "../output.ts";
import { createProgressLine, megabytes, type ProgressLine } from "../progress-line.ts";

/** Named in one document; all are counted, and without --json each is printed as it goes. */
const REMOVED_SHOWN_MAX = 10_000;
/** Of one tenant alone: the others' garbage is collected all the same. */
const tenantCodes: ReadonlySet<RegistryErrorCode> = new Set([
  ...(["invalid_manifest", "blob_corrupt", "invalid_name", "conflict"] as const),
]);

interface GcOptions extends TenantOptions {
  readonly allTenants?: true;
  readonly dryRun?: true;
  readonly grace?: number;
}

export function gcCommand(io: Io): Command {
  return withTenant(new Command("gc"), io)
    .description("apply retentions; remove deleted versions after their window, and blobs that nothing names")
    .option("--all-tenants", "of every tenant in the store, in place of --tenant")
    .option("--dry-run", "tell what would go, and change nothing")
    .option("--grace <duration>", "from marking a blob to removing it: 1h or more (default: 24h)", grace)
    .action(async (options: GcOptions) => {
      const progress = createProgressLine(io, { silent: options.json === true });
      const { store, ...rest } = options;
      await withRegistry(store, (registry) => collect({ io, progress, registry }, rest));
    });
}

interface Work {
  readonly io: Io;
  readonly progress: ProgressLine;
  readonly registry: Registry;
}

async function collect(work: Work, options: Omit<GcOptions, "store">): Promise<void> {
  const { io, progress, registry } = work;
  const tenants = options.allTenants ? registry.listTenants() : [parseTenantId(options.tenant)];
  const collections: { tenant: TenantId; collection: Collection }[] = [];
  const removed: Removed[] = [];
  const failures: { tenant: TenantId; error: RegistryError }[] = [];
  for await (const tenant of tenants) {
    const onRemoved = (item: Removed) => {
      if (!options.json) printRemoved(work, options, item);
      else if (removed.length < REMOVED_SHOWN_MAX) removed.push(item);
    };
    try {
      collections.push({ tenant, collection: await collectOf(work, tenant, { ...options, onRemoved }) });
    } catch (error) {
      if (!(error instanceof RegistryError) || !tenantCodes.has(error.code)) throw error;
      failures.push({ tenant, error });
    }
  }
  progress.clear();
  if (options.json)
    io.stdout(json({ dryRun: options.dryRun === true, tenants: collections.map(flat), removed }));
  else io.stdout(table([HEADING, ...collections.map(rowOf)]));
  const [first] = failures;
  if (!first) return;
  throw new RegistryError(
    first.error.code,
    `Of tenant ${first.tenant} ${failedText(first.error, failures.length)}`,
  );
}

function collectOf(
  { io, progress, registry }: Work,
  tenant: TenantId,
  { dryRun, grace: graceMs, onRemoved }: Omit<GcOptions, "store"> & { onRemoved: (item: Removed) => void },
): Promise<Collection> {
  return registry.collectGarbage(tenant, {
    ...{ onRemoved, actor: CLI_ACTOR },
    ...(dryRun && { dryRun }),
    ...(graceMs !== undefined && { graceMs }),
    onProgress: ({ adapters, blobs }) => {
      if (io.signal.aborted) throw new CliError("interrupted", "Interrupted.");
      progress.show(`collecting ${tenant}`, `${blobs} blobs, ${adapters} adapters`);
    },
  });
}

function failedText({ publicMessage }: RegistryError, failures: number): string {
  const others = failures === 1 ? "" : ` And of ${failures - 1} others.`;
  return `nothing more was removed: ${publicMessage} See softgate store fsck.${others}`;
}

const words = {
  expired: ["deleted by its retention", "would be deleted by its retention"],
  adapter: ["removed", "would be removed"],
  version: ["removed", "would be removed"],
  claim: ["number removed", "number would be removed"],
  blob: ["removed", "would be removed"],
  waiting: ["waits for a later collection", "would wait for a later collection"],
} as const satisfies Record<Removed["kind"], readonly [string, string]>;

function printRemoved({ io, progress }: Work, { dryRun }: Pick<GcOptions, "dryRun">, item: Removed): void {
  const { kind, name, bytes } = item;
  progress.clear();
  const size = bytes > 0 ? ` (${megabytes(bytes)})` : "";
  io.stdout(`${name}${size} ${words[kind][dryRun ? 1 : 0]}\n`);
}

const HEADING = [
  "TENANT",
  "EXPIRED",
  "ADAPTERS",
  "VERSIONS",
  "NUMBERS",
  "BLOBS",
  "BYTES",
  "WAITING",
  "BYTES",
];

function rowOf({ tenant, collection }: { tenant: TenantId; collection: Collection }): string[] {
  const { expired, adapter, version, claim, blob, waiting } = collection;
  const counts = [expired, adapter, version, claim].map(({ count }) => String(count));
  return [
    tenant,
    ...counts,
    ...[blob, waiting].flatMap(({ count, bytes }) => [String(count), String(bytes)]),
  ];
}

function flat({ tenant, collection }: { tenant: TenantId; collection: Collection }) {
  const { expired, adapter, version, claim, blob, waiting } = collection;
  return {
    tenant,
    versionsExpired: expired.count,
    adaptersRemoved: adapter.count,
    versionsRemoved: version.count,
    numbersRemoved: claim.count,
    blobsRemoved: blob.count,
    bytesRemoved: blob.bytes,
    blobsWaiting: waiting.count,
    bytesWaiting: waiting.bytes,
  };
}

function grace(value: string): number {
  const ms = duration(value);
  if (ms >= GARBAGE_AGE_MS_MIN) return ms;
  throw new InvalidArgumentError("Give 1h or more: publishes and servers rely on it.");
}
