// Requests over connections that are kept, cheap enough to share a machine with the server it measures.
import { Agent, request } from "node:http";
import { BenchError } from "../errors.ts";
import { ADAPTER_NAME, type Tenant } from "./tenants.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface HttpClient {
  /** Rejects with BenchError server_failed for any answer but 200. */
  classify(tenant: Tenant, text: string): Promise<void>;
  /** Whatever the answer is; rejects only where there is none. */
  ask(tenant: Tenant, text: string): Promise<Answer>;
  close(): void;
}

export function createHttpClient(url: string, connections: number): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const ask = ({ secret }: Tenant, text: string) =>
    new Promise<Answer>((resolve, reject) => {
      const body = JSON.stringify({ adapterId: ADAPTER_NAME, inputs: [text] });
      const headers = {
        Authorization: `Bearer ${secret}`,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
      };
      const options = { agent, hostname, port, path: "/v1/classify", method: "POST", headers };
      const asked = request(options, (response) => {
        let answer = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          answer += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: answer }));
        response.on("error", reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  const classify = async (tenant: Tenant, text: string) => {
    const { status, body } = await ask(tenant, text);
    if (status !== 200) throw new BenchError("server_failed", `The server answered ${status}: ${body}`);
  };
  return { classify, ask, close: () => agent.destroy() };
}
