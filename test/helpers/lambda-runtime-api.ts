// The server that Lambda's runtime client asks for events and sends answers to (AWS's Lambda Runtime API, 2018-06-01),
// on a free port of this machine; and a function run under it as Lambda runs it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface LambdaAnswer {
  readonly kind: "response" | "error";
  readonly contentType: string;
  readonly isStreamed: boolean;
  /** In the pieces that came. */
  readonly chunks: readonly Buffer[];
}

export interface LambdaFunction {
  readonly pid: number | undefined;
  /** When it first asks for an event: its start is over. */
  readonly started: Promise<void>;
  /** One at a time, as Lambda has it. Rejects when the function did not start. */
  invoke(event: unknown): Promise<LambdaAnswer>;
  /** Why the start failed, as the runtime client tells Lambda; pending while it has not. */
  readonly startFailed: Promise<{ errorMessage: string }>;
  stop(): Promise<void>;
}

export interface LambdaFunctionOptions {
  /** The runtime client. */
  readonly program: string;
  readonly folder: string;
  /** file.export */
  readonly handler: string;
  readonly env: Readonly<Record<string, string>>;
}

/** AWS's runtime client; undefined where it was not built, which only SOFTGATE_LAMBDA_CLIENT=build does. */
export async function findLambdaRuntimeClient(): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const bootstrap = new URL("../../infra/bootstrap/lambda-runtime-client.mjs", import.meta.url).href;
  const client: { findLambdaRuntimeClient: () => Promise<string | undefined> } = await import(bootstrap);
  return client.findLambdaRuntimeClient();
}

export async function startLambdaFunction(options: LambdaFunctionOptions): Promise<LambdaFunction> {
  const api = new RuntimeApi();
  const server = createServer((request, response) => void api.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [options.program, options.handler], {
    env: { PATH: process.env.PATH, ...environmentOf(options, port), ...options.env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const neverStarted = api.startFailed.then(({ errorMessage }) => {
    throw new Error(`The function did not start: ${errorMessage}`);
  });
  const started = Promise.race([api.asked, neverStarted]);
  started.catch(() => undefined); // Told to who asks for it, or invokes.
  return {
    pid: child.pid,
    started,
    invoke: (event) => Promise.race([api.invoke(event), neverStarted]),
    startFailed: api.startFailed,
    stop: async () => {
      await end(child);
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What Lambda sets. */
function environmentOf({ folder, handler }: LambdaFunctionOptions, port: number): Record<string, string> {
  return {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: handler,
    AWS_LAMBDA_FUNCTION_NAME: "softgate",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1769",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/softgate",
    AWS_LAMBDA_LOG_STREAM_NAME: "test",
    AWS_REGION: "eu-central-1",
  };
}

class RuntimeApi {
  readonly startFailed: Promise<{ errorMessage: string }>;
  readonly asked: Promise<void>;
  #ask: () => void = () => undefined;
  #failStart: (error: { errorMessage: string }) => void = () => undefined;
  #waiting: ServerResponse | undefined;
  #event: unknown;
  #resolve: ((answer: LambdaAnswer) => void) | undefined;
  #count = 0;

  constructor() {
    this.startFailed = new Promise((resolve) => {
      this.#failStart = resolve;
    });
    this.asked = new Promise((resolve) => {
      this.#ask = resolve;
    });
  }

  invoke(event: unknown): Promise<LambdaAnswer> {
    if (this.#resolve) throw new Error("invariant: one event at a time");
    this.#event = event;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#sendNext();
    });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what = ""] = /^\/2018-06-01\/runtime\/(.*)$/.exec(request.url ?? "") ?? [];
    if (what === "invocation/next") {
      this.#ask();
      this.#waiting = response;
      this.#sendNext();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(202).end();
    if (what === "init/error") this.#failStart(JSON.parse(Buffer.concat(chunks).toString()));
    const kind = /^invocation\/[^/]+\/(response|error)$/.exec(what)?.[1];
    if (kind !== "response" && kind !== "error") return;
    const contentType = request.headers["content-type"] ?? "";
    const isStreamed = request.headers["lambda-runtime-function-response-mode"] === "streaming";
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.({ kind, contentType, isStreamed, chunks });
  }

  /** When there is an event, and someone who asks for one. */
  #sendNext(): void {
    if (!this.#waiting || this.#event === undefined) return;
    const headers = {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": `request-${++this.#count}`,
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + 60_000),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:softgate",
    };
    this.#waiting.writeHead(200, headers).end(JSON.stringify(this.#event));
    this.#waiting = undefined;
    this.#event = undefined;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
