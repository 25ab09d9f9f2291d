// The door to what adapters become outside Softgate. No native code behind it.
export { exportOnnx, type OnnxFile } from "./onnx.ts";
