// Tests stand beside the code they hold. No global setup: `npm test` brings what they need, and a test
// that finds it absent says so.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{functions,registry,model,trainer,infra,cli,clients,bench,examples,test}/**/*.test.ts"],
    // Slow machines and cold caches; a test that means to be fast sets its own.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Each file in a process of its own: onnxruntime keeps threads and signal handlers.
    pool: "forks",
    // wrangler: no look-ups of the outside world, no telemetry.
    env: { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
    restoreMocks: true,
    unstubEnvs: true,
  },
});
