// The door of the HTTP room.
export { type NodeServer, startNodeServer } from "./entry-node.ts";
export type { Services } from "./services.ts";
