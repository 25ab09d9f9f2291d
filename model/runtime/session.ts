// The only importer of onnxruntime: a session over a graph, typed arrays in, typed arrays out.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InferenceSession, listSupportedBackends, Tensor as OrtTensor } from "onnxruntime-node";
import type { Device } from "../device.ts";
import { type Graph, GraphBuilder } from "../graph/builder.ts";
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
  /**
   * Default "cpu". Ops that another has no kernel for, and arithmetic on shapes, onnxruntime runs on the CPU all the
   * same. Creating a session rejects where the device is not there.
   */
  readonly device?: Device;
}

export interface OptimizedFiles {
  /** Of the graph. */
  readonly path: string;
  /** Of the file beside it. */
  readonly weightsName: string;
  /** Whether processors of other kinds are to run it too. */
  readonly isPortable?: boolean;
}

/** Weights smaller than this stay in the graph's file. */
const SEPARATE_WEIGHT_BYTES_MIN = 1024;

/** One loaded graph. Runs are not interleaved by the session itself: callers queue. */
export class Session {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    return Session.load(serializeGraph(graph), options);
  }

  /** `model` is what serializeGraph gives, or the path of a graph that `optimize` wrote. */
  static async load(model: Uint8Array | string, options: SessionOptions): Promise<Session> {
    const isOptimized = typeof model === "string";
    const settings = sessionSettings(options, { level: isOptimized ? "disabled" : "all" });
    // Two signatures, one for each.
    const session = isOptimized
      ? await InferenceSession.create(model, settings)
      : await InferenceSession.create(model, settings);
    return new Session(session);
  }

  /**
   * Writes what serializeGraph gave as onnxruntime runs it on processors of this kind, nothing left to optimize, and its
   * weights into a file beside it, which a session maps into memory.
   */
  static async optimize(
    model: Uint8Array,
    { path, weightsName, isPortable = false }: OptimizedFiles,
  ): Promise<void> {
    const session = await InferenceSession.create(model, {
      ...sessionSettings({}, { level: isPortable ? "extended" : "all" }),
      optimizedModelFilePath: path,
      extra: {
        session: {
          optimized_model_external_initializers_file_name: weightsName,
          optimized_model_external_initializers_min_size_in_bytes: `${SEPARATE_WEIGHT_BYTES_MIN}`,
        },
      },
    });
    await session.release();
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

/**
 * Has the calling thread, and all that it starts, take numbers below 1e-38 for 0. Softmax leaves such numbers where a
 * position must not look at another, and processors take a hundred times as long over each. Does nothing where
 * the process had a session before, and on processors that have no such numbers. Not for a thread that does anything
 * but compute.
 */
export async function flushDenormals(): Promise<void> {
  const builder = new GraphBuilder();
  const one = builder.input("one", ["N"]);
  builder.output("two", builder.apply("Add", [one, one]));
  const session = await InferenceSession.create(serializeGraph(builder.build()), {
    ...sessionSettings({ threads: 1 }, { level: "disabled" }),
    extra: { session: { set_denormal_as_zero: "1" } },
  });
  await session.release();
}

/**
 * What onnxruntime lacks for a device: it was built without it, or there is no library of it at the path where one is
 * looked for. Undefined where it lacks nothing, which says nothing of driver and card.
 */
export function lackOf(device: Device): "not_built" | { readonly libraryPath: string } | undefined {
  const backend = listSupportedBackends().find(({ name }) => name === device);
  if (!backend) return "not_built";
  if (backend.bundled) return undefined;
  const library = loadedLibraries().find((path) => basename(path).startsWith("libonnxruntime.so"));
  if (library === undefined) return undefined;
  const libraryPath = join(dirname(library), `libonnxruntime_providers_${device}.so`);
  return existsSync(libraryPath) ? undefined : { libraryPath };
}

/** Paths: where onnxruntime lies differs between packages and bundles. */
function loadedLibraries(): readonly string[] {
  const { sharedObjects = [] } = process.report.getReport() as { sharedObjects?: readonly string[] };
  return sharedObjects;
}

function sessionSettings(
  { threads = 0, device = "cpu" }: SessionOptions,
  { level }: { level: "all" | "extended" | "disabled" },
): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    graphOptimizationLevel: level,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
  };
}

function toOrt({ data, shape }: Feed | LongFeed): OrtTensor {
  if (data instanceof Float32Array) return new OrtTensor("float32", data, shape);
  if (data instanceof Float64Array) return new OrtTensor("float64", data, shape);
  if (data instanceof BigInt64Array) return new OrtTensor("int64", data, shape);
  return new OrtTensor("int32", data, shape);
}
