// A proxy between an S3 client and a real S3 server that does to requests what networks and servers do: refuses,
// cuts, delays, loses replies. Which request meets which fault is its caller's choice; requests are otherwise
// passed on as they are, signature and all. Bodies are held in memory: for small objects only.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import type { Random } from "./random.ts";

/** What becomes of a request. "After": the server has done it; otherwise it has not, except for "late". */
export type NetworkFault =
  | "conflict" // 409
  | "precondition" // 412 though nothing stands against the write
  | "precondition after" // 412 as a retry of one's own write is answered
  | "slow down" // 503
  | "too many" // 429, as of a store that takes few writes of one object
  | "error" // 500
  | "error after" // 500
  | "reset" // the connection ends before the request is passed on
  | "reset after" // the reply is lost
  | "late" // the connection ends, and the server does it some time later
  | "slow request"
  | "slow reply"
  | "cut request" // the server gets half of the body
  | "cut reply"; // the client gets half of the body

const ofAny = [
  "slow down",
  "error",
  "error after",
  "reset",
  "reset after",
  "slow reply",
  "cut reply",
] as const;
const ofWrites = ["late", "slow request", "cut request"] as const;
const ofConditions = ["conflict", "precondition", "precondition after"] as const;

/** What a request is, as far as faults are concerned. */
export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  readonly isConditional: boolean;
}

export type ChooseFault = (target: FaultTarget) => NetworkFault | undefined;

/** rate: of requests that meet a fault anew; what meets one often meets it again, so that retries fail too. */
export function seededFaults(random: Random, rate: number): ChooseFault {
  const repeats = new Map<string, { fault: NetworkFault; left: number }>();
  return ({ method, path, isConditional }) => {
    const name = `${method} ${path} ${isConditional}`;
    const repeat = repeats.get(name);
    if (repeat && repeat.left > 0) {
      repeat.left -= 1;
      return repeat.fault;
    }
    if (random.uniform() >= rate) return undefined;
    const choices: readonly NetworkFault[] = [
      ...ofAny,
      ...(method === "GET" ? [] : ofWrites),
      ...(isConditional ? ofConditions : []),
    ];
    const fault = choices[Math.floor(random.uniform() * choices.length)];
    const left = random.uniform() < 0.3 ? Math.floor(random.uniform() * 6) : 0;
    if (fault) repeats.set(name, { fault, left });
    return fault;
  };
}

const LATE_MS_MAX = 400;
const PAUSE_MS = 15;

export class FaultProxy {
  readonly url: string;
  /** How often each fault was met. */
  readonly met = new Map<NetworkFault, number>();
  readonly #server: Server;
  readonly #target: string;
  readonly #choose: ChooseFault;
  readonly #pending = new Set<Promise<void>>();

  private constructor(server: Server, target: string, choose: ChooseFault) {
    this.#server = server;
    this.#target = target;
    this.#choose = choose;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (incoming, response) => {
      // A client that goes away is one of the faults.
      const work = this.#answer(incoming, response).catch(() => void incoming.socket.destroy());
      this.#pending.add(work);
      work.finally(() => this.#pending.delete(work));
    });
  }

  static async start(target: string, choose: ChooseFault): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FaultProxy(server, target, choose);
  }

  /** Once nothing is on its way to the server any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async stop(): Promise<void> {
    await this.settle();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const isConditional = "if-match" in headers || "if-none-match" in headers;
    const path = new URL(url, this.#target).pathname;
    const fault = this.#choose({ method, path, isConditional });
    if (fault) this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    const body = await buffer(incoming);
    const send = (how: Sending = {}) => passOn({ method, headers, url: this.#target + url }, body, how);
    switch (fault) {
      case "conflict":
        return sendError(response, 409, "ConditionalRequestConflict");
      case "precondition":
        return sendError(response, 412, "PreconditionFailed");
      case "slow down":
        return sendError(response, 503, "SlowDown");
      case "too many":
        return sendError(response, 429, "TooManyRequests");
      case "error":
        return sendError(response, 500, "InternalError");
      case "precondition after":
        await send();
        return sendError(response, 412, "PreconditionFailed");
      case "error after":
        await send();
        return sendError(response, 500, "InternalError");
      case "reset after":
        await send();
        return void incoming.socket.resetAndDestroy();
      case "reset":
        return void incoming.socket.resetAndDestroy();
      case "late":
        incoming.socket.resetAndDestroy();
        await setTimeout((LATE_MS_MAX * (body.length % 97)) / 97);
        return void (await send());
      case "cut request":
        await send({ cutAt: body.length >> 1 }).catch(() => undefined);
        return void incoming.socket.resetAndDestroy();
      case "cut reply":
        return cutReply(response, await send());
      case "slow request":
        return reply(response, await send({ isSlow: true }));
      case "slow reply":
        return replySlowly(response, await send());
      case undefined:
        return reply(response, await send());
    }
  }
}

interface Sending {
  readonly isSlow?: boolean;
  /** The connection ends after so many bytes of the body. */
  readonly cutAt?: number;
}

interface Answer {
  readonly message: IncomingMessage;
  readonly body: Buffer;
}

async function passOn(
  { url, ...head }: { method: string; headers: IncomingMessage["headers"]; url: string },
  body: Buffer,
  { isSlow = false, cutAt }: Sending,
): Promise<Answer> {
  const outgoing = request(url, { ...head, setHost: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve).once("error", reject);
  });
  // Waited for below; should it fail while the body is being sent, that is no unhandled rejection.
  answered.catch(() => undefined);
  if (isSlow || cutAt !== undefined) {
    outgoing.write(body.subarray(0, cutAt ?? body.length >> 1));
    await setTimeout(PAUSE_MS);
  }
  if (cutAt !== undefined) outgoing.destroy(new Error("cut"));
  else outgoing.end(isSlow ? body.subarray(body.length >> 1) : body);
  const message = await answered;
  return { message, body: await buffer(message) };
}

function reply(response: ServerResponse, { message, body }: Answer): void {
  response.writeHead(message.statusCode ?? 502, message.headers).end(body);
}

async function replySlowly(response: ServerResponse, { message, body }: Answer): Promise<void> {
  response.writeHead(message.statusCode ?? 502, message.headers);
  response.write(body.subarray(0, body.length >> 1));
  await setTimeout(PAUSE_MS);
  response.end(body.subarray(body.length >> 1));
}

async function cutReply(response: ServerResponse, { message, body }: Answer): Promise<void> {
  response.writeHead(message.statusCode ?? 502, message.headers);
  response.write(body.subarray(0, body.length >> 1));
  await setTimeout(1);
  response.socket?.resetAndDestroy();
}

function sendError(response: ServerResponse, status: number, code: string): void {
  const words = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>test</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(words);
}
