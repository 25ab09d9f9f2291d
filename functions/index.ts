// The door of the HTTP room.
export { type NodeServer, startNodeServer } from "./entry-node.ts";
export { prepareBackbone } from "./open-classifier.ts";
export type { Services } from "./services.ts";
