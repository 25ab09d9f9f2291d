// The door of the HTTP room.
export { createApp } from "./app.ts";
export { type NodeServer, startNodeServer } from "./entry-node.ts";
export type { Services } from "./services.ts";
