// The door to what adapters become outside Softgate. No native code behind it.
export { type ExportOrigin, exportOnnx } from "./onnx.ts";
export { exportPeft, type PeftMethod } from "./peft.ts";
