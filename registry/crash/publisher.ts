// For tests, a process: makes the steps of a scenario, and says after each what it was answered, before it goes on.
// It may be told to die by SIGKILL at a certain call to its file system, or to record what each call would leave.
import { openSync, writeSync } from "node:fs";
import { createRandom } from "../../test/helpers/random.ts";
import { type DiskEntry, type WatchedDisk, watchDisk } from "../../test/helpers/watch-disk.ts";
import { digestOf } from "../digest.ts";
import { openObjectStore } from "../object-store/open.ts";
import { encode } from "../test-registry.ts";
import { openAsPublisher, type Scenario, scenarios } from "./steps.ts";

export interface PublisherOptions {
  readonly store: string;
  readonly scenario: Scenario;
  readonly seed: number;
  /** The folder whose calls are watched. */
  readonly watch?: string;
  /** Die before this call, counted from 0. */
  readonly killAt?: number;
  /** A file for what each call would leave. */
  readonly record?: string;
}

/** A line of the record: what is left, by kill and by power cut, if the process ends before a call. */
export interface RecordedCall {
  readonly call: string;
  /** Steps that were answered. */
  readonly answered: number;
  readonly afterKill: string;
  readonly afterPowerCut: string;
}

/** Another line, before the first call that names it. */
export interface RecordedDisk {
  readonly name: string;
  readonly entries: readonly DiskEntry[];
}

/** A line of the output. */
export interface Acknowledged {
  readonly step: string;
  readonly answer: unknown;
}

const options: PublisherOptions = JSON.parse(process.argv[2] ?? "");
let answered = 0;
const tell = options.record === undefined ? dieAt(options.killAt) : recordTo(options.record);
const disk = options.watch === undefined ? undefined : watchDisk(options.watch, (call) => tell(call));
await makeSteps();
tell("the end");

async function makeSteps(): Promise<void> {
  const registry = openAsPublisher(await openObjectStore(options.store), createRandom(options.seed));
  const earlier = new Map<string, unknown>();
  for (const { name: step, make } of scenarios[options.scenario]) {
    const answer = await make(registry, earlier);
    earlier.set(step, answer);
    writeSync(1, `${JSON.stringify({ step, answer } satisfies Acknowledged)}\n`);
    answered += 1;
  }
}

function dieAt(killAt: number | undefined): (call: string) => void {
  let calls = 0;
  return () => {
    if (calls === killAt) process.kill(process.pid, "SIGKILL");
    calls += 1;
  };
}

function recordTo(file: string): (call: string) => void {
  const fd = openSync(file, "w");
  const write = (line: RecordedCall | RecordedDisk) => writeSync(fd, `${JSON.stringify(line)}\n`);
  const named = new Set<string>();
  const nameOf = (entries: readonly DiskEntry[]) => {
    const name = digestOf(encode(JSON.stringify(entries)));
    if (!named.has(name)) write({ name, entries });
    named.add(name);
    return name;
  };
  return (call) => {
    const { afterKill, afterPowerCut } = disk as WatchedDisk;
    write({ call, answered, afterKill: nameOf(afterKill()), afterPowerCut: nameOf(afterPowerCut()) });
  };
}
