// In workerd, for tests: R2BindingStore on a real binding, one call of the interface a request. Bytes travel as the body,
// all else as JSON in the query, and an etag in a header.
import { RegistryError } from "../../registry/errors.ts";
import type { ListOptions, ObjectPart, PutCondition } from "../../registry/object-store/object-store.ts";
import { type R2Binding, R2BindingStore } from "../../registry/object-store/r2-binding.ts";

export type BridgeCall =
  | { readonly kind: "get" | "delete"; readonly key: string }
  | { readonly kind: "getPart"; readonly key: string; readonly part: ObjectPart }
  | { readonly kind: "put"; readonly key: string; readonly condition?: PutCondition }
  | { readonly kind: "list"; readonly options: ListOptions }
  | { readonly kind: "check" };

export default {
  async fetch(request: Request, env: { BUCKET: R2Binding }): Promise<Response> {
    const call: BridgeCall = JSON.parse(new URL(request.url).searchParams.get("call") ?? "");
    try {
      return await answer(new R2BindingStore(env.BUCKET), call, request);
    } catch (error) {
      const code = error instanceof RegistryError ? error.code : undefined;
      return Response.json({ message: (error as Error).message, code }, { status: 400 });
    }
  },
};

async function answer(store: R2BindingStore, call: BridgeCall, request: Request): Promise<Response> {
  switch (call.kind) {
    case "get": {
      const stored = await store.get(call.key);
      if (!stored) return new Response(null, { status: 204 });
      // As the contract asks: seen here, as bytes lose it on their way.
      const ownsBuffer = stored.bytes.byteLength === stored.bytes.buffer.byteLength;
      if (stored.bytes.constructor !== Uint8Array || !ownsBuffer) throw new Error("not a plain array");
      return new Response(stored.bytes as Uint8Array<ArrayBuffer>, {
        headers: { "X-Etag": stored.etag },
      });
    }
    case "getPart": {
      const bytes = await store.getPart(call.key, call.part);
      return new Response(bytes ? (bytes as Uint8Array<ArrayBuffer>) : null, { status: bytes ? 200 : 204 });
    }
    case "put": {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return Response.json(await store.put(call.key, bytes, call.condition));
    }
    case "delete":
      return Response.json((await store.delete(call.key)) ?? null);
    case "list":
      return Response.json(await store.list(call.options));
    case "check":
      return Response.json((await store.check()) ?? null);
  }
}
