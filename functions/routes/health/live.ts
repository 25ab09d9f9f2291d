// GET /livez: the process answers. Looks at nothing else, so that a slow store restarts no server.
import type { AppContext } from "../../app-env.ts";

export const live = () => (c: AppContext) => c.json({ status: "live" });
