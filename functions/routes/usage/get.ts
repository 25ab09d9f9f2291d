// GET /v1/usage: what the tenant has of what it may have.
import type { AppContext } from "../../app-env.ts";
import type { Services } from "../../services.ts";

export const getUsage =
  ({ registry }: Services) =>
  async (c: AppContext) =>
    c.json(await registry.getUsage(c.get("tenant")));
