// An AWS Lambda function: the app behind Lambda's events, its session loaded before the first request. Wiring only.
// Nothing is closed here: Lambda freezes the process between requests, and ends it without asking.
import { handle, streamHandle } from "hono/aws-lambda";
import { DEFAULT_BACKBONE } from "#registry/backbones";
import { findBackbone } from "./find-backbone.ts";
import { readLambdaSettings } from "./lambda-settings.ts";
import { createObservation } from "./observation.ts";
import { openClassifier } from "./open-classifier.ts";
import { wireServices } from "./wire-services.ts";

const { backbone = DEFAULT_BACKBONE, databaseUrl, ...settings } = readLambdaSettings(process.env);
const observation = await createObservation({ log: writeLine }, process.env);
const entry = await findBackbone(backbone);
// A function has one request at a time: all its cores compute that one's passes.
const opening = openClassifier(entry, { threads: 0, sessions: 1, precision: "auto", log: observation.log });
opening.catch(() => undefined); // Awaited by wireServices; a store that fails first is what is told.
const { app, facts } = await wireServices(
  { folder: entry.folder, opening },
  {
    options: { ...settings, restoresWarm: false, jobs: databaseUrl ? { databaseUrl } : "none", trainers: 0 },
    observation,
    closers: [],
    isStopping: () => false,
  },
);
observation.log({ event: "started", ...facts, startMs: Math.round(performance.now()) });

/** For API Gateway, load balancers, and function URLs whose invoke mode is BUFFERED: at most 6 MB each way. */
export const handler = handle(app);
/** For function URLs whose invoke mode is RESPONSE_STREAM. Lambda's runtime alone can stream. */
export const streamHandler = "awslambda" in globalThis ? streamHandle(app) : undefined;

/** CloudWatch takes what is written as one event a line. */
function writeLine(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
}
