// The native door of the model room: onnxruntime sessions and the mixed-adapter classifier.
export { type AdapterHandle, type Classification, Classifier, type ClassifierOptions } from "./classifier.ts";
export { type Feed, Session, type SessionOptions } from "./session.ts";
