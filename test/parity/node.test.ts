import { join } from "node:path";
import { startNodeServer } from "../../functions/entry-node.ts";
import { describeHost } from "./contract.ts";

describeHost("a Node server", async ({ folder, backboneFolder }) => {
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  const storeUrl = `file:${join(folder, "store")}`;
  const server = await startNodeServer({ storeUrl, port: 0, host: "127.0.0.1", backbone: backboneFolder });
  return {
    fetch: (path, init) => fetch(`${server.url}${path}`, init),
    storeUrl,
    trains: true,
    stop: () => server.close(),
  };
});
