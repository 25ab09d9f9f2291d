// A proxy before a TCP server, on a free port of 127.0.0.1, that can be told to pass nothing on: connections stay open, new ones
// are taken, and nothing comes, as of a server that hangs.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface StallingProxy {
  readonly port: number;
  stall(): void;
  /** What was held back is passed on. */
  resume(): void;
  close(): Promise<void>;
}

export async function startStallingProxy(targetPort: number): Promise<StallingProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isStalled = false;
  const server = createServer((client) => {
    const pair = [client, connect(targetPort, "127.0.0.1")] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(pair);
        for (const either of pair) either.destroy();
      });
    }
    if (!isStalled) pass(pair);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stall() {
      isStalled = true;
      for (const [client, target] of pairs) {
        client.unpipe(target).pause();
        target.unpipe(client).pause();
      }
    },
    resume() {
      isStalled = false;
      for (const pair of pairs) pass(pair);
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass([client, target]: readonly [Socket, Socket]): void {
  client.pipe(target);
  target.pipe(client);
}
