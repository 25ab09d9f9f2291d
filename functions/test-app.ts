// For tests: the whole app on a registry in memory, with fakes for what needs native code. Two
// tenants, alpha and beta, each with a key. Every answer is held to what the OpenAPI document says.
import type { Hono } from "hono";
import { type Adapter, serializeAdapter } from "#model";
import {
  createRegistry,
  type KeyScope,
  type Manifest,
  openObjectStore,
  parseAdapterName,
  parseTenantId,
  type Registry,
  type ResolvedAdapter,
  type Signer,
  type TenantId,
} from "#registry";
import type {
  Job,
  JobEvent,
  JobQueue,
  JobRequest,
  JobsPage,
  WebhookRecord,
  WebhookStore,
} from "#trainer/job";
import { type AppOptions, createApp } from "./app.ts";
import type { AppEnv } from "./app-env.ts";
import { checkAnswer } from "./openapi/check-answer.ts";
import type { ClassifierPort, Services } from "./services.ts";

export interface TestApp {
  readonly app: Hono<AppEnv>;
  readonly registry: Registry;
  readonly jobs: FakeJobs;
  /** Every line logged. */
  readonly lines: Record<string, unknown>[];
  readonly keys: { readonly alpha: string; readonly beta: string };
  /** A request with a key, JSON unless the body is not an object; alpha's key by default. */
  send(method: string, path: string, body?: unknown, options?: SendOptions): Promise<Response>;
}

export interface SendOptions {
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

export const alpha = parseTenantId("alpha");
export const BACKBONE = { id: "tiny", digest: `sha256:${"a".repeat(64)}` };

export async function createTestApp(
  overrides: Partial<Services> = {},
  options: AppOptions = {},
): Promise<TestApp> {
  const registry = overrides.registry ?? createRegistry({ store: await openObjectStore("memory:") });
  const jobs = new FakeJobs();
  const lines: Record<string, unknown>[] = [];
  const log = (event: Record<string, unknown>) => void lines.push(event);
  const keys = { alpha: await createKey(registry, "alpha"), beta: await createKey(registry, "beta") };
  let requests = 0;
  const app = createApp(
    { registry, classifier: fakeClassifier, jobs, backbone: BACKBONE, log, ...overrides },
    { now: () => 0, randomId: () => `request-${++requests}`, ...options },
  );
  holdToDocument(app);
  const send = async (method: string, path: string, body?: unknown, options: SendOptions = {}) => {
    const headers = { Authorization: `Bearer ${options.key ?? keys.alpha}`, ...options.headers };
    if (body === undefined) return app.request(path, { method, headers });
    return app.request(path, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  };
  return { app, registry, jobs, lines, keys, send };
}

/** A request whose answer is not described rejects. */
function holdToDocument(app: Hono<AppEnv>): void {
  const request = app.request.bind(app);
  app.request = async (...args) => {
    const [input, init] = args;
    const answer = await request(...args);
    const url = input instanceof Request ? input.url : input.toString();
    const method = input instanceof Request ? input.method : (init?.method ?? "GET");
    await checkAnswer(method, new URL(url, "http://localhost").pathname, answer.clone());
    return answer;
  };
}

export async function createKey(
  registry: Registry,
  tenant: string,
  scopes?: readonly KeyScope[],
): Promise<string> {
  return (await registry.createKey(parseTenantId(tenant), "test", scopes ? { scopes } : {})).secret;
}

/** An adapter of only a head, published under the tenant. */
export async function publishAdapter(
  registry: Registry,
  options: {
    name: string;
    tenant?: TenantId;
    labels?: readonly string[];
    manifestLabels?: readonly string[];
    backbone?: { id: string; digest: string };
    report?: Record<string, unknown>;
    dataset?: Manifest["dataset"];
    signer?: Signer;
  },
): Promise<ResolvedAdapter> {
  const { labels = ["no", "yes"], backbone = BACKBONE } = options;
  const adapter: Adapter = {
    width: 2,
    insertions: [],
    pairMode: "joint" as const,
    head: { weight_CD: new Float32Array(2 * labels.length), bias_C: new Float32Array(labels.length) },
    labels,
    temperature: 1,
  };
  return registry.publish(options.tenant ?? alpha, {
    name: parseAdapterName(options.name),
    files: serializeAdapter(adapter, backbone),
    ...(options.signer && { signer: options.signer }),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { ...backbone, width: 2 },
      labels: [...(options.manifestLabels ?? labels)],
      insertions: [],
      temperature: 1,
      dataset: options.dataset ?? { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: options.report ?? {},
    },
  });
}

/** Class 0 gets 1/2, class 1 gets 1/4 and so on; texts that start with "long" were cut, with "odd" are out of scope. */
export const fakeClassifier: ClassifierPort = {
  probe: async () => undefined,
  async classify(adapter, inputs) {
    const { labels } = await adapter.load();
    return inputs.map((input) => {
      const text = typeof input === "string" ? input : input.text;
      return {
        scores_C: Float32Array.from(labels, (_, index) => 2 ** -(index + 1)),
        labels,
        truncated: text.startsWith("long"),
        outOfScope: text.startsWith("odd"),
      };
    });
  },
};

export class FakeJobs implements JobQueue {
  readonly #jobs = new Map<string, { tenant: string; job: Job; events: JobEvent[] }>();

  readonly #webhooks: (WebhookRecord & { tenant: string })[] = [];
  readonly webhooks: WebhookStore = {
    create: async (tenant, webhook) => {
      const id = `webhook-${this.#webhooks.length + 1}`;
      const record = { id, ...webhook, createdAt: "2026-01-01T00:00:00.000Z" };
      this.#webhooks.push({ ...record, tenant });
      return { ...record, secret: "whsec_c2VjcmV0" };
    },
    list: async (own) =>
      this.#webhooks.filter(({ tenant }) => tenant === own).map(({ tenant: _, ...record }) => record),
    remove: async (tenant, id) => {
      const at = this.#webhooks.findIndex((webhook) => webhook.tenant === tenant && webhook.id === id);
      return at >= 0 && this.#webhooks.splice(at, 1).length > 0;
    },
  };

  async submit(tenant: string, request: JobRequest): Promise<Job> {
    const id = `job-${this.#jobs.size + 1}`;
    const at = "2026-01-01T00:00:00.000Z";
    const { idempotencyKey: _, priority = 0, ...given } = request;
    const job: Job = {
      ...{ id, ...given, priority, state: "queued", attempt: 0, progress: 0, createdAt: at, updatedAt: at },
    };
    this.#jobs.set(id, { tenant, job, events: [] });
    return job;
  }

  async get(tenant: string, id: string): Promise<Job | undefined> {
    return this.#find(tenant, id)?.job;
  }

  /** Does not wait. */
  async wait(tenant: string, id: string): Promise<Job | undefined> {
    return this.get(tenant, id);
  }

  async list(tenant: string, { after, limit, adapterName, state }: JobsPage) {
    const own = [...this.#jobs.values()].filter((entry) => entry.tenant === tenant).toReversed();
    const at = after === undefined ? 0 : own.findIndex(({ job }) => job.id === after) + 1;
    if (after !== undefined && at === 0) return undefined;
    const jobs = own
      .slice(at)
      .map(({ job }) => job)
      .filter((job) => adapterName === undefined || job.adapterName === adapterName)
      .filter((job) => state === undefined || job.state === state);
    return { jobs: jobs.slice(0, limit), hasMore: jobs.length > limit };
  }

  async cancel(tenant: string, id: string): Promise<Job | undefined> {
    const entry = this.#find(tenant, id);
    if (entry) entry.job = { ...entry.job, state: "cancelled" };
    return entry?.job;
  }

  /** Whatever state it is in. */
  async retry(tenant: string, id: string): Promise<Job | undefined> {
    const entry = this.#find(tenant, id);
    if (!entry) return undefined;
    const { isRetriable: _, ...job } = entry.job;
    entry.job = { ...job, state: "queued" };
    return entry.job;
  }

  async events(
    tenant: string,
    id: string,
    { after = 0 }: { after?: number; signal?: AbortSignal } = {},
  ): Promise<AsyncIterable<JobEvent> | undefined> {
    const entry = this.#find(tenant, id);
    if (!entry) return undefined;
    const events = entry.events.filter(({ seq }) => seq > after);
    return (async function* () {
      yield* events;
    })();
  }

  set(id: string, change: Partial<Job>, events: JobEvent[] = []): void {
    const entry = this.#jobs.get(id);
    if (!entry) return;
    entry.job = { ...entry.job, ...change };
    entry.events.push(...events);
  }

  async close(): Promise<void> {}

  #find(tenant: string, id: string) {
    const entry = this.#jobs.get(id);
    return entry?.tenant === tenant ? entry : undefined;
  }
}
