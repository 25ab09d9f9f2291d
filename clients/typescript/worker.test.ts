// The client in real workerd, where there is nothing of Node.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createTestHarness } from "wrangler";
import { listen } from "../../functions/listen.ts";
import { createTestApp, publishAdapter } from "../../functions/test-app.ts";

const configPath = fileURLToPath(new URL("test-worker.jsonc", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

it("classifies, streams lines and tells errors in a Worker", async () => {
  const test = await createTestApp();
  await publishAdapter(test.registry, { name: "router" });
  const listener = await listen(test.app.fetch, { host: "127.0.0.1", port: 0 });
  const harness = createTestHarness();
  try {
    const vars = { SOFTGATE_URL: listener.url, SOFTGATE_KEY: test.keys.alpha };
    await harness.update({ root, workers: [{ configPath, vars }] });
    await harness.listen();
    const response = await harness.fetch("/");
    expect(await response.json()).toEqual({ label: "no", lines: 300, code: "adapter_not_found" });
  } finally {
    await harness.close();
    await listener.close();
  }
}, 60_000);
