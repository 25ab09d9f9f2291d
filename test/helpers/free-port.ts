// A port that nobody listens at, for servers whose address must be known before they start.
import { createServer } from "node:net";

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address === "object" && address) return address.port;
  throw new Error("invariant: a server that listens has a port");
}
