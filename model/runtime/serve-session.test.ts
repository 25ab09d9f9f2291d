import { MessageChannel } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { serializeGraph } from "../graph/serialize.ts";
import { serveSession, type ToThread } from "./serve-session.ts";
import { Session } from "./session.ts";

test("a session that cannot be released closes its channel, and throws nothing in a thread that others live by", async () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", ["N"]);
  builder.output("sum", builder.apply("Add", [x, x]));
  const { port1: port, port2 } = new MessageChannel();
  serveSession(port2);
  const answered = new Promise((resolve) => port.once("message", resolve));
  const load: ToThread = { kind: "load", model: serializeGraph(builder.build()), options: { threads: 1 } };
  port.postMessage(load);
  expect(await answered).toEqual({});
  const closing = vi.spyOn(Session.prototype, "close").mockRejectedValueOnce(new Error("in use"));
  const closed = new Promise<void>((resolve) => port.once("close", resolve));
  port.postMessage({ kind: "close" } satisfies ToThread);
  await closed;
  expect(closing).toHaveBeenCalledOnce();
});
