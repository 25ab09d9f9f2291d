// The only importer of onnxruntime: a session over a graph, typed arrays in, typed arrays out.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Graph } from "../graph/builder.ts";
import { must } from "../graph/ops.ts";
import { serializeGraph } from "../graph/serialize.ts";

export interface Feed {
  readonly data: Float32Array | Float64Array | Int32Array;
  readonly shape: readonly number[];
}

/** Of graphs that are fed as other libraries feed them. */
export interface LongFeed {
  readonly data: BigInt64Array;
  readonly shape: readonly number[];
}

export interface SessionOptions {
  /** Threads of one run; 0 lets onnxruntime choose (one per core). */
  readonly threads?: number;
}

/** One loaded graph. Runs are not interleaved by the session itself: callers queue. */
export class Session {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    return Session.load(serializeGraph(graph), options);
  }

  /** `model` is what serializeGraph gives. */
  static async load(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await InferenceSession.create(model, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: options.threads ?? 0,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: 3,
    });
    return new Session(session);
  }

  /** Feeds must name every input of the graph. Data is read in place, never copied or written. */
  async run<Output extends string>(
    feeds: Readonly<Record<string, Feed | LongFeed>>,
    outputs: readonly Output[],
  ): Promise<Record<Output, Float32Array>> {
    const tensors: Record<string, OrtTensor> = {};
    for (const [name, feed] of Object.entries(feeds)) tensors[name] = toOrt(feed);
    const results = await this.#session.run(tensors, [...outputs]);
    return Object.fromEntries(
      outputs.map((name) => [name, must(results[name], name).data as Float32Array]),
    ) as Record<Output, Float32Array>;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function toOrt({ data, shape }: Feed | LongFeed): OrtTensor {
  if (data instanceof Float32Array) return new OrtTensor("float32", data, shape);
  if (data instanceof Float64Array) return new OrtTensor("float64", data, shape);
  if (data instanceof BigInt64Array) return new OrtTensor("int64", data, shape);
  return new OrtTensor("int32", data, shape);
}
