import { join } from "node:path";
import { startNodeServer } from "../../functions/entry-node.ts";
import { freePort } from "../helpers/free-port.ts";
import { startLocalWorker, WITHOUT_CONTAINERS } from "../helpers/local-worker.ts";
import { describeHost } from "./contract.ts";

describeHost("the gateway, a Node server behind it", async ({ folder, backboneFolder }) => {
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  const port = await freePort();
  const worker = await startLocalWorker("infra/wrangler.jsonc", {
    // No list is older than what the registry itself remembers.
    vars: { ORIGIN_URLS: `http://127.0.0.1:${port}`, LIST_CACHE_SECONDS: "0" },
    overrides: WITHOUT_CONTAINERS,
  });
  const { storeUrl } = worker;
  const server = await startNodeServer({ storeUrl, port, host: "127.0.0.1", backbone: backboneFolder });
  return {
    fetch: (path, init) => fetch(new URL(path, worker.url), init),
    storeUrl,
    trains: true,
    stop: async () => {
      await server.close();
      await worker.stop();
    },
  };
});
