// For a test: the client within Cloudflare's runtime. Answers with what a classification, lines and a refusal came to.
import { createSoftgate, SoftgateError } from "./index.ts";

export default {
  async fetch(_request: Request, env: { SOFTGATE_URL: string; SOFTGATE_KEY: string }): Promise<Response> {
    const softgate = createSoftgate({ url: env.SOFTGATE_URL, key: env.SOFTGATE_KEY, fetch: fetchPlain });
    const one = await softgate.classify({ adapterId: "router", inputs: "hello", topK: 1 });
    const ids: unknown[] = [];
    const lines = Array.from({ length: 300 }, (_, id) => ({ id, text: "a" }));
    for await (const { id } of softgate.classifyLines(lines, { adapterId: "router", topK: 1 })) ids.push(id);
    const missing = await softgate
      .classify({ adapterId: "missing", inputs: "a" })
      .catch((error: unknown) => error);
    return Response.json({
      label: one.predictions[0]?.label,
      lines: ids.length,
      code: missing instanceof SoftgateError ? missing.code : String(missing),
    });
  },
};

/** What stands for the network here unpacks refusals, and says of them still that they are packed. */
function fetchPlain(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const headers = new Headers(init?.headers);
  headers.set("Accept-Encoding", "identity");
  return fetch(input, { ...init, headers });
}
