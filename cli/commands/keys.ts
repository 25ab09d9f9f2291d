// softgate keys: the credentials of the HTTP API. A key belongs to one tenant, and may do what its scopes say.
import { Command, InvalidArgumentError } from "commander";
import {
  KEY_OVERLAP_MS_MAX,
  KEY_SCOPES,
  KEYS_PER_PAGE_MAX,
  type KeyScope,
  type KeySummary,
  parseTenantId,
  type TenantId,
} from "#registry";
import { duration } from "../duration.ts";
import type { Io } from "../io.ts";
import { withPlace } from "../open-place.ts";
import { CLI_ACTOR, type StoreOptions, type TenantOptions, withPlaceOptions, withStore } from "../options.ts";
import { json, table } from "../output.ts";
import type { RegistryPort } from "../remote/remote-registry.ts";
import { withServer } from "../remote/server.ts";

export function keysCommand(io: Io): Command {
  return new Command("keys")
    .description("create, list, rotate and revoke keys of the HTTP API")
    .addCommand(createCommand(io))
    .addCommand(listCommand(io))
    .addCommand(rotateCommand(io))
    .addCommand(revokeCommand(io));
}

interface CreateOptions extends TenantOptions {
  readonly description: string;
  readonly scopes: readonly KeyScope[];
  readonly expiresIn?: number;
}

function createCommand(io: Io): Command {
  return withPlaceOptions(new Command("create"), io)
    .description("make a key; its secret is shown this once")
    .option("--description <text>", "what the key is for", "made by softgate keys create")
    .option(
      "--scopes <list>",
      `what it may do, of ${KEY_SCOPES.join(",")}; admin is everything`,
      scopes,
      KEY_SCOPES,
    )
    .option("--expires-in <duration>", "end it after so long, for example 90d (default: never)", duration)
    .action(async (options: CreateOptions) => {
      const { description, scopes: keyScopes, expiresIn } = options;
      const expiresAt = expiresIn === undefined ? {} : { expiresAt: new Date(Date.now() + expiresIn) };
      const { record, secret } = await withPlace(options, io, (registry) =>
        registry.createKey(parseTenantId(options.tenant), description, {
          ...{ scopes: keyScopes, actor: CLI_ACTOR },
          ...expiresAt,
        }),
      );
      if (options.json) return io.stdout(json({ ...record, secret }));
      printSecret(io, `Key ${record.id} of tenant ${record.tenant}.`, secret);
    });
}

function listCommand(io: Io): Command {
  return withKeyPlace(new Command("list"), io)
    .description("keys, without their secrets")
    .option("--tenant <tenant>", "only this tenant's")
    .action(async (options: StoreOptions & { tenant?: string }) => {
      const tenant = options.tenant === undefined ? undefined : parseTenantId(options.tenant);
      const keys = await withPlace(options, io, (registry) => allKeys(registry, tenant));
      if (options.json) return io.stdout(json({ keys }));
      if (keys.length === 0) return io.stdout("No keys yet. Next: softgate keys create\n");
      io.stdout(table([HEADING, ...keys.map((key) => rowOf(key, Date.now()))]));
    });
}

interface RotateOptions extends StoreOptions {
  /** Milliseconds. */
  readonly overlap?: number;
}

function rotateCommand(io: Io): Command {
  return withKeyPlace(new Command("rotate"), io)
    .description("make another key in place of one; the old one ends after the overlap")
    .argument("<id>", "of the key, see softgate keys list")
    .option("--overlap <duration>", "both are valid for so long (default: 24h, at most 30d)", overlap)
    .action(async (id: string, options: RotateOptions) => {
      const { record, secret, previous } = await withPlace(options, io, (registry) =>
        registry.rotateKey(id, {
          actor: CLI_ACTOR,
          ...(options.overlap !== undefined && { overlapMs: options.overlap }),
        }),
      );
      if (options.json) return io.stdout(json({ ...record, secret, previous }));
      printSecret(io, `Key ${record.id} in place of ${id}, which ends at ${previous.expiresAt}.`, secret);
    });
}

function revokeCommand(io: Io): Command {
  return withKeyPlace(new Command("revoke"), io)
    .description("end a key; requests with it get 401 from then on, on every server within 10 seconds")
    .argument("<id>", "of the key, see softgate keys list")
    .action(async (id: string, options: StoreOptions) => {
      await withPlace(options, io, (registry) => registry.revokeKey(id, { actor: CLI_ACTOR }));
      io.stdout(options.json ? json({ id, revoked: true }) : `Revoked ${id}.\n`);
    });
}

function withKeyPlace(command: Command, io: Io): Command {
  return withServer(withStore(command, io));
}

/** The secret alone on standard output. */
export function printSecret(io: Io, said: string, secret: string): void {
  io.stderr(`${said} The secret is not shown again:\n`);
  io.stdout(`${secret}\n`);
}

/** Every tenant's, or one's; by creation. */
async function allKeys(registry: RegistryPort, only: TenantId | undefined): Promise<KeySummary[]> {
  const all: KeySummary[] = [];
  for await (const tenant of only === undefined ? registry.listTenants() : [only]) {
    for (let after: string | undefined; ; ) {
      const page = await registry.listKeys(tenant, { limit: KEYS_PER_PAGE_MAX, ...(after && { after }) });
      all.push(...page.keys);
      if (page.next === undefined) break;
      after = page.next;
    }
  }
  const place = ({ createdAt, id }: KeySummary) => `${createdAt} ${id}`;
  return all.sort((left, right) => (place(left) < place(right) ? -1 : 1));
}

const HEADING = ["ID", "TENANT", "SCOPES", "CREATED", "LAST USED", "STATE", "DESCRIPTION"];

function rowOf(key: KeySummary, nowMs: number): string[] {
  const { id, tenant, scopes, createdAt, lastUsedAt = "never", description } = key;
  return [id, tenant, scopes.join(","), createdAt, lastUsedAt, stateOf(key, nowMs), description];
}

function stateOf({ revokedAt, expiresAt }: KeySummary, nowMs: number): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt}`;
  if (expiresAt === undefined) return "valid";
  return Date.parse(expiresAt) <= nowMs ? `expired ${expiresAt}` : `valid until ${expiresAt}`;
}

function scopes(value: string): readonly KeyScope[] {
  const given = value.split(",");
  const known = KEY_SCOPES.filter((scope) => given.includes(scope));
  if (known.length === new Set(given).size) return known;
  throw new InvalidArgumentError(`Give some of ${KEY_SCOPES.join(", ")}, with commas between them.`);
}

function overlap(value: string): number {
  const ms = value === "0" ? 0 : duration(value);
  if (ms <= KEY_OVERLAP_MS_MAX) return ms;
  throw new InvalidArgumentError("Give at most 30d.");
}
