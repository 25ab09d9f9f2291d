// The gateway as a Cloudflare Worker: keys, limits and reads at the edge, all else by Softgate servers, in Cloudflare's
// containers or anywhere. Settings are in infra/wrangler.jsonc; a wrong one fails here, before the first request.

import { env } from "cloudflare:workers";
import { Container, getContainer } from "@cloudflare/containers";
import type { ExecutionContext } from "./edge/edge-host.ts";
import { createGateway } from "./gateway/gateway.ts";
import type { ListCache } from "./gateway/list-cache.ts";
import { containerVariables, parseGatewaySettings } from "./gateway/settings.ts";

/** A Softgate server in a container of its own; its image is infra/Dockerfile. */
export class SoftgateServer extends Container {
  override defaultPort = 8080;
  override sleepAfter = "10m";
  override pingEndpoint = "livez";
  override envVars = containerVariables(env);
}

const settings = parseGatewaySettings(env, (namespace, name) => getContainer(namespace as never, name));
const gateway = createGateway({
  settings,
  // Cloudflare's own: of this data centre, not of the world.
  cache: (globalThis as unknown as { caches: { default: ListCache } }).caches.default,
  log: (event) => console.log(JSON.stringify(event)),
});

export default {
  fetch: (request: Request, _env: unknown, context: ExecutionContext): Promise<Response> =>
    gateway(request, context),
};
