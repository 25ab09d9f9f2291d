// The thread behind a ThreadSession, but for the one that session-origin.ts serves itself.
import { type MessagePort, workerData } from "node:worker_threads";
import { serveSession } from "./serve-session.ts";

const { port }: { port: MessagePort } = workerData;
serveSession(port);
