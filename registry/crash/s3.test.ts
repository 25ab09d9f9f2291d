// A publisher on a real S3 server that is killed just before the server does one of its writes, or just after, before
// it learns of it. A proxy knows when.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FaultProxy, type NetworkFault } from "../../test/helpers/fault-proxy.ts";
import { findVersitygw, startVersitygw, type TestS3 } from "../../test/helpers/versitygw.ts";
import { openObjectStore } from "../object-store/open.ts";
import { checkCut, copyToMemory } from "./check-cut.ts";
import { inParallel, orSayWhere } from "./in-parallel.ts";
import type { Acknowledged } from "./publisher.ts";
import { type Publisher, startPublisher } from "./start-publisher.ts";
import type { Scenario } from "./steps.ts";

const SCENARIO: Scenario = "a new store";
const BUCKET = "crash";
const program = await findVersitygw();

describe.skipIf(program === undefined)("on a real S3 server", () => {
  let server: TestS3;

  beforeAll(async () => {
    server = await startVersitygw(program ?? "", [BUCKET]);
  }, 30_000);
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
  });
  afterAll(() => server?.stop());

  const storeOf = (endpoint: string, prefix: string) =>
    `s3://${BUCKET}/${prefix}?endpoint=${endpoint}&region=us-east-1`;

  it("what was answered stands, and the rest can be made again, where a process is killed at a write", async () => {
    const writes = await countWrites();
    expect(writes).toBeGreaterThan(20);
    // Of every third, in turn before and after it: in a folder all are looked at.
    const places = [...Array(writes).keys()].filter((write) => write % 3 === 0);
    await inParallel(places, async (write) => {
      const kind = write % 2 === 0 ? "before" : "after";
      const prefix = `killed-${kind}-${write}`;
      const acknowledged = await publishUntil(prefix, killAt(write, kind));
      const store = await openObjectStore(storeOf(server.endpoint, prefix));
      const copy = await copyToMemory(store);
      await store.close();
      await orSayWhere(prefix, checkCut({ store: copy, scenario: SCENARIO, acknowledged }));
    });
  }, 120_000);

  /** Until it ends by itself, or is killed where asked. */
  async function publishUntil(prefix: string, watch: Watch): Promise<Acknowledged[]> {
    let publisher: Publisher | undefined;
    const proxy = await FaultProxy.start(server.endpoint, ({ method }) => {
      const { fault, isTheEnd } = watch(method === "PUT" || method === "DELETE");
      if (isTheEnd) publisher?.kill();
      return fault;
    });
    publisher = startPublisher({ store: storeOf(proxy.url, prefix), scenario: SCENARIO, seed: 7 });
    const { acknowledged } = await publisher.ended;
    await proxy.stop();
    return acknowledged;
  }

  async function countWrites(): Promise<number> {
    let writes = 0;
    await publishUntil("whole", (isWrite) => {
      writes += isWrite ? 1 : 0;
      return {};
    });
    return writes;
  }
});

/** Asked at each request. */
type Watch = (isWrite: boolean) => { fault?: NetworkFault; isTheEnd?: boolean };

/** After a write means: at whatever the client asks next, as it was not answered. */
function killAt(write: number, kind: "before" | "after"): Watch {
  let writes = 0;
  return (isWrite) => {
    if (writes > write) return { fault: "reset", isTheEnd: true };
    if (isWrite) writes += 1;
    if (writes <= write) return {};
    return kind === "before" ? { fault: "reset", isTheEnd: true } : { fault: "reset after" };
  };
}
