// In Node, for what the local Workers runtime does itself: it follows redirects, and answers 500 where
// a connection fails.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { forward } from "./forward.ts";

let closeOrigin: () => void = () => undefined;
afterEach(() => closeOrigin());

async function forwardTo(answer: (response: ServerResponse) => void): Promise<Response> {
  const origin = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  closeOrigin = () => {
    origin.closeAllConnections();
    origin.close();
  };
  const path = "/v1/adapters";
  const env = { ORIGIN_URL: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` };
  const request = new Request(`http://gateway.example${path}`, { redirect: "manual" });
  return forward(request, { env, path, instance: path, requestId: "r-1" });
}

it("a redirect is the client's to follow: its key goes to no other host", async () => {
  const response = await forwardTo((answer) =>
    answer.writeHead(307, { Location: "https://elsewhere.example/" }).end(),
  );
  expect([response.status, response.headers.get("location")]).toEqual([307, "https://elsewhere.example/"]);
});

it("an origin that cuts the connection is a 502 that says so", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const response = await forwardTo((answer) => answer.destroy());
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ code: "origin_unreachable", requestId: "r-1" });
  expect(log).toHaveBeenCalledOnce();
});
