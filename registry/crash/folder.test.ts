// A publisher on a folder that is killed, or whose machine loses its power, at any call to its file system. One process
// makes all steps and records what each call would leave; every different outcome is then looked at. That the record is
// right, and that a process goes on from what is left, is shown by processes that are killed indeed, at calls spread over
// all: SOFTGATE_CRASH_KILLS says at how many of each scenario.
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../test/helpers/random.ts";
import { type DiskEntry, readDisk, writeDisk } from "../../test/helpers/watch-disk.ts";
import { FileStore } from "../object-store/file.ts";
import { checkCut, copyToMemory } from "./check-cut.ts";
import { inParallel, orSayWhere } from "./in-parallel.ts";
import type { Acknowledged, RecordedCall, RecordedDisk } from "./publisher.ts";
import { startPublisher } from "./start-publisher.ts";
import { openAsPublisher, prepare, type Scenario, scenarios } from "./steps.ts";

const KILLS = Number(process.env.SOFTGATE_CRASH_KILLS ?? 6);
const SEED = 7;

let folder: string;
let folders = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-crash-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function newFolder(): Promise<string> {
  const path = join(folder, String(++folders));
  await mkdir(path);
  return path;
}

describe.each(Object.keys(scenarios) as Scenario[])("%s", (scenario) => {
  let prepared: string;
  let record: DiskRecord;

  beforeAll(async () => {
    prepared = await newFolder();
    await prepare(openAsPublisher(storeIn(prepared), createRandom(0)), scenario);
    record = await recordSteps(scenario, prepared);
  });

  it("what was answered stands, nothing is damaged, and the rest can be made again, wherever a process is killed", async () => {
    const { calls, acknowledged } = record;
    expect(calls.length).toBeGreaterThan(50);
    expect(acknowledged.map(({ step }) => step)).toEqual(scenarios[scenario].map(({ name }) => name));
    await checkOutcomes(scenario, record, "afterKill");
  }, 60_000);

  it("the same, wherever the power fails, if nothing is kept that was not flushed", async () => {
    await checkOutcomes(scenario, record, "afterPowerCut");
  }, 60_000);

  it(
    "a process that is killed leaves what was recorded, and the next one goes on from it",
    async () => {
      const { calls, disks } = record;
      const kills = Math.min(KILLS, calls.length);
      const places = Array.from({ length: kills }, (_, index) =>
        Math.floor(((index + 0.5) * calls.length) / kills),
      );
      await inParallel(places, async (killAt) => {
        const place = await newFolder();
        await cp(prepared, place, { recursive: true });
        const options = { ...optionsOf(scenario, place), killAt };
        const { acknowledged, isKilled } = await startPublisher(options).ended;
        const { call, answered, afterKill } = calls[killAt] as RecordedCall;
        const where = `killed before ${killAt}, ${call}`;
        expect([isKilled, acknowledged.length], where).toEqual([true, answered]);
        expect(withoutChance(readDisk(place)), where).toEqual(withoutChance(disks.get(afterKill) ?? []));
        await orSayWhere(where, checkCut({ store: storeIn(place), scenario, acknowledged }));
      });
    },
    60_000 + KILLS * 2_000,
  );
});

interface DiskRecord {
  readonly calls: readonly RecordedCall[];
  readonly disks: ReadonlyMap<string, readonly DiskEntry[]>;
  readonly acknowledged: readonly Acknowledged[];
}

async function recordSteps(scenario: Scenario, prepared: string): Promise<DiskRecord> {
  const place = await newFolder();
  await cp(prepared, place, { recursive: true });
  const file = join(folder, `record-${folders}`);
  const { acknowledged } = await startPublisher({ ...optionsOf(scenario, place), record: file }).ended;
  const calls: RecordedCall[] = [];
  const disks = new Map<string, readonly DiskEntry[]>();
  for (const line of (await readFile(file, "utf8")).trimEnd().split("\n")) {
    const entry: RecordedCall | RecordedDisk = JSON.parse(line);
    if ("entries" in entry) disks.set(entry.name, entry.entries);
    else calls.push(entry);
  }
  return { calls, disks, acknowledged };
}

/** Of calls that leave the same, the one by which the most was answered. */
async function checkOutcomes(
  scenario: Scenario,
  { calls, disks, acknowledged }: DiskRecord,
  kind: "afterKill" | "afterPowerCut",
): Promise<void> {
  const outcomes = new Map(calls.map((call) => [readersView(disks.get(call[kind]) ?? []), call]));
  expect(outcomes.size).toBeGreaterThan(2);
  await inParallel([...outcomes.values()], async ({ call, answered, [kind]: name }) => {
    const place = await newFolder();
    writeDisk(place, disks.get(name) ?? []);
    const store = await copyToMemory(storeIn(place));
    const cut = { store, scenario, acknowledged: acknowledged.slice(0, answered) };
    await orSayWhere(`before ${call}, ${answered} steps answered`, checkCut(cut));
    await rm(place, { recursive: true });
  });
}

function storeIn(place: string): FileStore {
  return new FileStore(join(place, "deep", "store"));
}

function optionsOf(scenario: Scenario, place: string) {
  return { store: `file:${join(place, "deep", "store")}`, watch: place, scenario, seed: SEED };
}

/** Readers see neither locks nor what is written aside. */
function readersView(entries: readonly DiskEntry[]): string {
  return JSON.stringify(entries.filter(({ path }) => !/%(aside|locks)/.test(path)));
}

/** Files aside have names drawn at random, and locks say whose they are. */
function withoutChance(entries: readonly DiskEntry[]): string[] {
  return entries
    .map(({ path, kind, content }) =>
      /%(aside|locks)./.test(path)
        ? `${kind} ${path.replace(/aside.*/, "aside")}`
        : `${kind} ${path} ${content}`,
    )
    .sort();
}
