// What commands ask of a registry, asked of a server instead. The tenant is the key's, whatever is passed. What the
// server answers is shown and passed on, so only its outline is checked.
import { z } from "zod";
import {
  type AdapterName,
  type ChangeOptions,
  type DatasetRecord,
  type KeyRecord,
  parseTenantId,
  type Registry,
  type Retention,
  type TenantId,
} from "#registry";
import type { DatasetFile } from "../read-dataset.ts";
import type { Client } from "./client.ts";
import { uploadDataset } from "./upload-dataset.ts";

/** The part of the registry that works over HTTP too. */
export type RegistryPort = Pick<
  Registry,
  | (
      | "listAdapters"
      | "listDatasets"
      | "listVersions"
      | "listAliases"
      | "listHistory"
      | "listAudit"
      | "listKeys"
    )
  | ("setAlias" | "rollback" | "protectAlias" | "setRetention" | "listTenants")
  | ("deleteAdapter" | "restoreAdapter" | "deleteVersion" | "restoreVersion" | "findTestSet")
  | ("getUsage" | "createKey" | "rotateKey" | "revokeKey")
> & {
  /** Of a store in this process, once whole in memory. */
  keepDataset(tenant: TenantId, file: DatasetFile): Promise<Pick<DatasetRecord, "id">>;
  getRetention(tenant: TenantId, name: AdapterName): Promise<{ retention: Retention | undefined }>;
};

/** Methods throw RemoteError with the codes that the registry's throw, and CliError server_unreachable. */
export function createRemoteRegistry(client: Client): RegistryPort {
  return { ...readsOf(client), ...aliasesOf(client), ...deletionsOf(client), ...keysOf(client) };
}

function readsOf(client: Client) {
  return {
    listAdapters: async (_tenant, page = {}) => pageOf(await client.get("/v1/adapters", { ...page })),
    listDatasets: async (_tenant, page = {}) => pageOf(await client.get("/v1/datasets", { ...page })),
    listVersions: async (_tenant, name, { before: after, limit } = {}) =>
      numberedPageOf(await client.get(`${adapterPath(name)}/versions`, { after, limit })),
    async listAliases(_tenant, name) {
      const all: Awaited<ReturnType<Registry["listAliases"]>> = [];
      for (let after: string | undefined; ; ) {
        type Page = { aliases: typeof all; next?: string };
        const page: Page = pageOf(await client.get(`${adapterPath(name)}/aliases`, { after }));
        all.push(...page.aliases);
        if (page.next === undefined) return all;
        after = page.next;
      }
    },
    listHistory: async (_tenant, name, { before: after, ...page } = {}) =>
      numberedPageOf(await client.get(`${adapterPath(name)}/history`, { ...page, after })),
    listAudit: async (_tenant, { since, until, ...page } = {}) =>
      pageOf(
        await client.get("/v1/audit", {
          ...page,
          ...{ since: since?.toISOString(), until: until?.toISOString() },
        }),
      ),
    keepDataset: (_tenant, file) => uploadDataset(client, file),
    getUsage: async () => outlineOf(await client.get("/v1/usage")),
    // The one whose key it is. Its name stands in what the server answers.
    async *listTenants() {
      yield parseTenantId("default");
    },
  } satisfies Partial<RegistryPort>;
}

function aliasesOf(client: Client) {
  const aliasPath = (name: AdapterName, alias: string) =>
    `${adapterPath(name)}/aliases/${encodeURIComponent(alias)}`;
  return {
    setAlias: async (_tenant, name, { alias, ...move }) =>
      outlineOf(await client.send("PUT", aliasPath(name, alias), told(move))),
    rollback: async (_tenant, name, { alias, ...request }) =>
      outlineOf(await client.send("POST", `${aliasPath(name, alias)}/rollback`, told(request))),
    async protectAlias(_tenant, name, { alias, ...request }) {
      await client.send("PUT", `${aliasPath(name, alias)}/protection`, told(request));
    },
    findTestSet: async () => undefined,
    async setRetention(_tenant, name, { retention, ...request }) {
      const body = { ...told(request), retention: retention ?? null };
      await client.send("PUT", `${adapterPath(name)}/retention`, body);
    },
    async getRetention(_tenant, name) {
      type Answer = { retention: Retention | null };
      const { retention } = outlineOf<Answer>(await client.get(`${adapterPath(name)}/retention`));
      return { retention: retention ?? undefined };
    },
  } satisfies Partial<RegistryPort>;
}

function deletionsOf(client: Client) {
  const versionPath = (name: AdapterName, version: number) => `${adapterPath(name)}/versions/${version}`;
  return {
    deleteAdapter: async (_tenant, name, options = {}) =>
      outlineOf(await client.send("DELETE", adapterPath(name), undefined, told(options))),
    async restoreAdapter(_tenant, name, options = {}) {
      await client.send("POST", `${adapterPath(name)}/restore`, told(options));
    },
    deleteVersion: async (_tenant, name, { version, ...options }) =>
      outlineOf(await client.send("DELETE", versionPath(name, version), undefined, { why: options.why })),
    async restoreVersion(_tenant, name, { version, ...options }) {
      await client.send("POST", `${versionPath(name, version)}/restore`, { why: options.why });
    },
  } satisfies Partial<RegistryPort>;
}

function keysOf(client: Client) {
  const keyPath = (id: string) => `/v1/keys/${encodeURIComponent(id)}`;
  type Created = KeyRecord & { secret: string };
  return {
    listKeys: async (_tenant, page = {}) => pageOf(await client.get("/v1/keys", { ...page })),
    async createKey(_tenant, description, { scopes, expiresAt } = {}) {
      const body = { description, scopes, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) };
      const { secret, ...record } = outlineOf<Created>(await client.send("POST", "/v1/keys", body));
      return { record, secret };
    },
    async rotateKey(id, { overlapMs } = {}) {
      const body = overlapMs === undefined ? {} : { overlapSeconds: Math.ceil(overlapMs / 1_000) };
      const answer = await client.send("POST", `${keyPath(id)}/rotate`, body);
      const { secret, previous, ...record } = outlineOf<Created & { previous: KeyRecord }>(answer);
      return { record, secret, previous };
    },
    revokeKey: async (id) => outlineOf(await client.send("DELETE", keyPath(id))),
  } satisfies Partial<RegistryPort>;
}

function adapterPath(name: AdapterName): string {
  return `/v1/adapters/${encodeURIComponent(name)}`;
}

/** Who makes a change is told by the key. */
function told<Options extends ChangeOptions>({ actor: _, ...rest }: Options): Omit<Options, "actor"> {
  return rest;
}

/** Of the server's own version, as its OpenAPI document has it. */
function outlineOf<Answer>(answer: unknown): Answer {
  return z.looseObject({}).parse(answer) as Answer;
}

function pageOf<Page extends object>(answer: unknown): Page {
  const { has_more: _, ...page } = outlineOf<Page & { has_more?: boolean }>(answer);
  return page as unknown as Page;
}

function numberedPageOf<Page extends { next?: number }>(answer: unknown): Page {
  const { next, ...page } = pageOf<{ next?: string }>(answer);
  return { ...page, ...(next !== undefined && { next: Number(next) }) } as Page;
}
