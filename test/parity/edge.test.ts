import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeEdgeBackbone } from "#model/runtime";
import { openObjectStore, putBackbone } from "#registry";
import { startLocalWorker } from "../helpers/local-worker.ts";
import { describeHost } from "./contract.ts";

describeHost("the edge tier", async ({ backboneFolder, backbone }) => {
  const worker = await startLocalWorker("infra/edge/wrangler.jsonc", { vars: { BACKBONE: backbone.id } });
  const [config, tokenizer] = await Promise.all(
    (["config.json", "tokenizer.json"] as const).map((name) => readFile(join(backboneFolder, name))),
  );
  if (!config || !tokenizer) throw new Error("invariant: a backbone has both");
  const store = await openObjectStore(worker.storeUrl);
  await putBackbone(store, await writeEdgeBackbone(backbone, { config, tokenizer }));
  await store.close();
  return {
    fetch: (path, init) => fetch(new URL(path, worker.url), init),
    storeUrl: worker.storeUrl,
    trains: false,
    stop: () => worker.stop(),
  };
});
