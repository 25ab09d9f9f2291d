// The edge tier, and what it has taken of memory: WebAssembly's part, which an inspector does not count.
import { WasmSession } from "#model/runtime/edge";
import worker from "../../functions/entry-worker.ts";

export default {
  fetch(request: Request, ...rest: [env: unknown, context: { waitUntil(work: Promise<unknown>): void }]) {
    if (new URL(request.url).pathname !== "/heap") return worker.fetch(request, ...rest);
    return Response.json({ wasmBytes: WasmSession.heapBytes });
  },
};
