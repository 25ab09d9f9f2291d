// Which requests are to meet at one server: those of one adapter of one tenant, whose weights are in memory there.
import type { TenantId } from "#registry";

const ADAPTER_PATH = /^\/(?:v1\/adapters|models)\/([^/@:%]+)/;

/** `body`: of a classify request, as it came. */
export function affinityOf(tenant: TenantId, path: string, body: Uint8Array | undefined): string {
  const adapter = ADAPTER_PATH.exec(path)?.[1] ?? (body && adapterIn(body));
  return adapter === undefined ? tenant : `${tenant}/${adapter}`;
}

/** The name without version or alias; undefined where the server will refuse the body. */
function adapterIn(body: Uint8Array): string | undefined {
  try {
    const { adapterId } = JSON.parse(new TextDecoder().decode(body));
    return typeof adapterId === "string" ? adapterId.split(/[@:]/, 1)[0] : undefined;
  } catch {
    return undefined;
  }
}
