// GET /livez: the process answers. Looks at nothing else, so that a slow store restarts no server.
import { z } from "zod";
import type { AppContext } from "../../app-env.ts";
import { jsonAnswer, type Operation } from "../../openapi/operation.ts";

export const liveOperation: Operation = {
  ...{ id: "live", tag: "server", summary: "The process answers", isOpen: true },
  answers: { 200: jsonAnswer("It does.", z.strictObject({ status: z.literal("live") })) },
};

export const live = () => (c: AppContext) => c.json({ status: "live" });
