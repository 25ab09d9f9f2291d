// The edge tier as a Cloudflare Worker: the app of every other host, its sessions in WebAssembly, its store an R2 bucket.
// Settings are in infra/edge/wrangler.jsonc; a wrong one fails here, before the first request.
import { env } from "cloudflare:workers";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { createEdgeHost, type ExecutionContext } from "./edge/edge-host.ts";
import { openEdge } from "./edge/open-edge.ts";
import { parseEdgeSettings } from "./edge/settings.ts";

const settings = parseEdgeSettings(env);
const log = (event: Record<string, unknown>) => console.log(JSON.stringify(event));
const host = createEdgeHost(async () => (await openEdge({ settings, wasm, log })).app, log);

export default {
  fetch: (request: Request, _env: unknown, context: ExecutionContext): Promise<Response> =>
    host(request, context),
};
