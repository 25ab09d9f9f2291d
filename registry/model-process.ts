// For tests, a process: one actor of model-actor.ts on a store of its own opening. Says when it is ready, begins when
// its input ends, so that several begin together, and prints its answers.
import { buffer } from "node:stream/consumers";
import { createRegistry } from "./create-registry.ts";
import { act, type Command } from "./model-actor.ts";
import { openObjectStore } from "./object-store/open.ts";

export interface ModelProcess {
  readonly store: string;
  readonly plan: readonly Command[];
  /** Makes the commands of this number. */
  readonly actor: number;
}

const { store, plan, actor }: ModelProcess = JSON.parse(process.argv[2] ?? "");
const registry = createRegistry({ store: await openObjectStore(store) });
console.log("ready");
await buffer(process.stdin);
console.log(JSON.stringify(await act(registry, plan, actor)));
