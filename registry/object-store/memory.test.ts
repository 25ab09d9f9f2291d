import { describeObjectStore } from "./contract.ts";
import { MemoryStore } from "./memory.ts";

describeObjectStore("memory", async () => {
  const store = new MemoryStore();
  return { store, other: store, dispose: () => store.close() };
});
