// The only importer of onnxruntime's WebAssembly build: a session in this very thread, where there are no others. A run
// holds the thread for the whole forward pass. Only one session may be created at a time in a process.
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { must } from "../graph/ops.ts";
import type { Feed } from "./session.ts";
import type { PassSession } from "./session-pool.ts";

export interface WasmGraph {
  readonly graph: Uint8Array;
  /** The file that the graph names for its weights. */
  readonly weights: { readonly name: string; readonly bytes: Uint8Array };
}

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Of the host, of which Node's types know but the module. */
interface Host {
  instantiate: (module: unknown, imports: Imports) => Promise<unknown>;
  readonly Memory: new (...given: never) => { readonly buffer: { readonly byteLength: number } };
}
const host = (globalThis as unknown as { WebAssembly: Host }).WebAssembly;

/** The memory of the one instance that a process has. */
let memory: InstanceType<Host["Memory"]> | undefined;

export class WasmSession implements PassSession {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** `module`: ort-wasm-simd-threaded.wasm, compiled. Of the bytes given nothing is kept. */
  static async load({ graph, weights }: WasmGraph, module: WebAssembly.Module): Promise<WasmSession> {
    env.wasm.numThreads = 1;
    env.wasm.proxy = false;
    env.logLevel = "error";
    // Never looked at, as the module is there; without it onnxruntime looks for a file beside its script.
    env.wasm.wasmBinary = new ArrayBuffer(8);
    const session = await withModule(module, () =>
      InferenceSession.create(graph, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "disabled",
        externalData: [{ path: weights.name, data: weights.bytes }],
      }),
    );
    return new WasmSession(session);
  }

  /** Of all that the WebAssembly instance has taken; it never gives any back. 0 before the first session. */
  static get heapBytes(): number {
    return memory?.buffer.byteLength ?? 0;
  }

  async run<Output extends string>(
    feeds: Readonly<Record<string, Feed>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Float32Array>> {
    const tensors = Object.entries(feeds).map(([name, feed]) => [name, toOrt(feed)] as const);
    const results = await this.#session.run(Object.fromEntries(tensors), [...outputs]);
    return Object.fromEntries(
      outputs.map((name) => [name, must(results[name], name).data as Float32Array]),
    ) as Record<Output, Float32Array>;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * onnxruntime compiles its own bytes, which hosts of Workers refuse, and takes no compiled module: for as long as it
 * starts, instantiating gives an instance of this one.
 */
async function withModule<Value>(module: WebAssembly.Module, work: () => Promise<Value>): Promise<Value> {
  const { instantiate } = host;
  host.instantiate = async (_bytes, imports) => {
    memory = memoryOf(imports);
    return { instance: await instantiate(module, imports), module };
  };
  try {
    return await work();
  } finally {
    host.instantiate = instantiate;
  }
}

function memoryOf(imports: Imports): typeof memory {
  const values = Object.values(imports).flatMap((names) => Object.values(names));
  return values.find((value) => value instanceof host.Memory);
}

function toOrt({ data, shape }: Feed): Tensor {
  if (data instanceof Float32Array) return new Tensor("float32", data, shape);
  if (data instanceof Int32Array) return new Tensor("int32", data, shape);
  throw new Error("invariant: the serving graph is fed float32 and int32");
}
