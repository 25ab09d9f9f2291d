// The edge gateway: a Cloudflare Worker that forwards /v1/* to one Softgate server. Holds no tenant, no
// key and no rule of the API: only the way there, its time limit, and the errors of the way.
import { forward, type GatewayEnv } from "./forward.ts";
import { problem } from "./problem.ts";

const PLAIN_ID = /^[A-Za-z0-9._=-]{1,128}$/;

export default {
  async fetch(request: Request, env: GatewayEnv): Promise<Response> {
    const given = request.headers.get("x-request-id");
    const requestId = given !== null && PLAIN_ID.test(given) ? given : crypto.randomUUID();
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/v1/")) {
      return problem({
        status: 404,
        code: "route_not_found",
        detail: "This gateway serves /v1/ only.",
        instance: pathname,
        requestId,
      });
    }
    return forward(request, { env, path: `${pathname}${search}`, instance: pathname, requestId });
  },
};
