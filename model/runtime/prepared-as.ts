// Where what a server starts with lies beside a backbone. Loads nothing: a start looks here first.
import packageJson from "../../package.json" with { type: "json" };
import type { Precision } from "../encoder/linear.ts";

/** To be raised when servingGraph gives another graph, or another file is written: a test compares. */
const PREPARED_VERSION = 4;

/** What is prepared where, and by what: files of another version of either are of no use, and are replaced. */
export function preparedAs(precision: Precision): { key: string; madeBy: Record<string, string> } {
  return {
    key: `serving-${precision}-${process.platform}-${process.arch}`,
    madeBy: {
      version: `${PREPARED_VERSION}`,
      onnxruntime: packageJson.dependencies["onnxruntime-node"],
    },
  };
}

/** The file of PREPARED_FILES that a session loads. */
export const GRAPH_FILE = "graph.onnx";
/** And the one that it maps into memory. */
export const WEIGHTS_FILE = "weights.bin";
