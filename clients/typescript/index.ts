// The door of the TypeScript client: for Node, Workers and browsers. Of the other rooms it has types alone.
export { type Batcher, type BatcherOptions, createBatcher } from "./batcher.ts";
export { createSoftgate, type Softgate } from "./client.ts";
export { SoftgateError } from "./error.ts";
export type { SoftgateOptions } from "./send.ts";
