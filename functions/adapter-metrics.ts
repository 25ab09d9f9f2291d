// Prometheus metrics of the adapters' tiers: slabs, this process' memory, this machine's disk, the store.
import { Counter, Gauge, type Registry } from "prom-client";
import type { RuntimeObserver } from "#model";
import type { AdapterFilesObserver } from "#registry";

export interface AdapterMetrics {
  readonly runtime: Pick<RuntimeObserver, "adapterEvicted">;
  readonly files: AdapterFilesObserver;
  /** By the tier that had it. */
  readonly asked: Counter;
  /** Read at each scrape. */
  watch(classifier: WatchedCaches, disk?: { readonly bytes: number }): void;
}

interface WatchedCaches {
  readonly cacheStats: Readonly<Record<"bytes" | "memoryBytes", number>>;
}

export function createAdapterMetrics(registry: Registry): AdapterMetrics {
  const registers = [registry];
  const count = (name: string, help: string, labelName: string) =>
    new Counter({ name: `softgate_${name}_total`, help, labelNames: [labelName], registers });
  const asked = count(
    "adapter_requests",
    "Adapters asked for: resident, brought back from memory, loaded, or failed to load.",
    "outcome",
  );
  const evicted = count(
    "adapter_evictions",
    "Left a tier for want of room: adapters, or on disk their files.",
    "tier",
  );
  const files = count("adapter_files_read", "Two for an adapter, from the tier that had them.", "tier");
  const bytes = count("adapter_file_bytes_read", "Of these files.", "tier");
  const failed = count(
    "adapter_disk_failures",
    "Copies found damaged, or that could not be written.",
    "what",
  );
  return {
    asked,
    runtime: { adapterEvicted: (tier) => evicted.inc({ tier }) },
    files: {
      fileRead(tier, byteCount) {
        files.inc({ tier });
        bytes.inc({ tier }, byteCount);
      },
      diskEvicted: (count) => evicted.inc({ tier: "disk" }, count),
      diskFailed: (what) => failed.inc({ what }),
    },
    watch(classifier, disk) {
      new Gauge({
        name: "softgate_adapter_bytes",
        help: "Of adapters in each tier.",
        labelNames: ["tier"],
        registers,
        collect() {
          this.set({ tier: "resident" }, classifier.cacheStats.bytes);
          this.set({ tier: "memory" }, classifier.cacheStats.memoryBytes);
          this.set({ tier: "disk" }, disk?.bytes ?? 0);
        },
      });
    },
  };
}
