// The HTTP API as functions. Types are those of the schemas that the server reads and answers with.
import type {
  AdapterSummary,
  ClassifyAnswer,
  ClassifyBatchAnswer,
  ClassifyBatchRequest,
  ClassifyRequest,
  DatasetAnswer,
  FeedbackAnswer,
  FeedbackRequest,
  JobAnswer,
  RetrainAnswer,
  ShadowAnswer,
  ShadowRequest,
  StreamAnswer,
  StreamLine,
  TrainRequest,
} from "#functions/api-types";
import { classifyLines, type LinesOptions } from "./classify-lines.ts";
import { followJob, type JobMessage } from "./follow-job.ts";
import { withKey } from "./idempotency-key.ts";
import { listPages } from "./list-pages.ts";
import { type Sent, type SoftgateOptions, send } from "./send.ts";
import { UPLOAD_MS_MAX, type UploadOptions, uploadDataset } from "./upload-dataset.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Each rejects with SoftgateError, or as fetch does. */
export interface Softgate {
  classify(request: ClassifyRequest, options?: CallOptions): Promise<ClassifyAnswer>;
  /** Up to 1,000 texts of any adapters; a result, or an `error`, for each request. */
  classifyBatch(
    requests: ClassifyBatchRequest["requests"],
    options?: CallOptions,
  ): Promise<ClassifyBatchAnswer["results"]>;
  /** Any number of lines, read as their answers are taken; an answer, or an `error`, for each, in order. */
  classifyLines(
    lines: Iterable<StreamLine> | AsyncIterable<StreamLine>,
    options?: LinesOptions,
  ): AsyncGenerator<StreamAnswer>;
  /** Too large for a request, it goes straight into the server's store, which is S3 then: a file's Blob is streamed. */
  uploadDataset(file: Blob, options: UploadOptions): Promise<DatasetAnswer>;
  trainAdapter(request: TrainRequest, options?: CallOptions): Promise<{ readonly jobId: string }>;
  getJob(id: string, options?: CallOptions): Promise<JobAnswer>;
  /** The newest first, page by page, as they are taken. */
  listJobs(
    query?: { readonly adapter?: string; readonly state?: JobAnswer["state"] },
    options?: CallOptions,
  ): AsyncGenerator<JobAnswer>;
  /** Of a dead letter, which says that it is `retriable`: in line again, as a new job would be. */
  retryJob(id: string, options?: CallOptions): Promise<JobAnswer>;
  /** What happens to a job, to its last event; a connection that breaks off is resumed without a gap. */
  followJob(id: string, options?: CallOptions & { readonly after?: number }): AsyncGenerator<JobMessage>;
  /** What the adapter should have answered; it is kept for a retraining. */
  giveFeedback(name: string, feedback: FeedbackRequest, options?: CallOptions): Promise<FeedbackAnswer>;
  /** Of the newest version first, of each the newest first; page by page, as they are taken. */
  listFeedback(name: string, options?: CallOptions): AsyncGenerator<FeedbackAnswer>;
  removeFeedback(name: string, id: string, options?: CallOptions): Promise<void>;
  /** The next version learns the feedback, and becomes the alias candidate. */
  retrainAdapter(
    name: string,
    request?: Pick<TrainRequest, "options" | "priority">,
    options?: CallOptions,
  ): Promise<RetrainAnswer>;
  getShadow(name: string, options?: CallOptions): Promise<ShadowAnswer>;
  /** Which alias is asked beside production, for which share of requests; share 0 ends it. */
  setShadow(
    name: string,
    request: ShadowRequest,
    options?: CallOptions,
  ): Promise<Omit<ShadowAnswer, "counts">>;
  /** Page by page, as they are taken. */
  listAdapters(
    query?: { readonly prefix?: string; readonly label?: string; readonly backbone?: string },
    options?: CallOptions,
  ): AsyncGenerator<AdapterSummary>;
  /** Any other route, with the same retries. */
  request(sent: Sent): Promise<Response>;
}

export function createSoftgate(options: SoftgateOptions): Softgate {
  const json = async <Answer>(sent: Sent): Promise<Answer> =>
    (await send(options, sent)).json() as Promise<Answer>;
  const get = <Answer>(path: string, { signal }: CallOptions = {}) =>
    json<Answer>({ method: "GET", path, signal, isRepeatable: true });
  const post = <Answer>(
    path: string,
    body: unknown,
    { signal, isRepeatable }: CallOptions & { isRepeatable: boolean },
  ) => json<Answer>({ method: "POST", path, ...jsonBody(body), signal, isRepeatable });
  const postOnce = <Answer>(
    path: string,
    body: object,
    { signal, msMax }: CallOptions & { msMax?: number } = {},
  ) => {
    const { headers, ...keyed } = withKey();
    const { body: text, headers: ofJson } = jsonBody(body);
    return json<Answer>({
      ...{ method: "POST", path, body: text, signal, ...keyed, ...(msMax !== undefined && { msMax }) },
      headers: { ...headers, ...ofJson },
    });
  };
  return {
    classify: (request, call) => post("/v1/classify", request, { ...call, isRepeatable: true }),
    async classifyBatch(requests, call) {
      const repeatable = { ...call, isRepeatable: true };
      return (await post<ClassifyBatchAnswer>("/v1/classify", { requests }, repeatable)).results;
    },
    classifyLines: (lines, lineOptions = {}) => classifyLines(options, lines, lineOptions),
    uploadDataset: (file, upload) => uploadDataset(options, file, upload),
    trainAdapter: (request, call) => postOnce("/v1/adapters", request, call),
    getJob: (id, call) => get(`/v1/jobs/${encodeURIComponent(id)}`, call),
    listJobs: (query, call = {}) =>
      listPages<JobAnswer>(options, { path: "/v1/jobs", list: "jobs", query, ...call }),
    retryJob: (id, { signal } = {}) =>
      json({ method: "POST", path: `/v1/jobs/${encodeURIComponent(id)}/retry`, signal, ...withKey() }),
    followJob: (id, call = {}) => followJob(options, id, call),
    ...feedbackOf({ options, json, get, postOnce }),
    listAdapters: (query, call = {}) =>
      listPages<AdapterSummary>(options, { path: "/v1/adapters", list: "adapters", query, ...call }),
    request: (sent) => send(options, sent),
  };
}

interface Calls {
  readonly options: SoftgateOptions;
  json<Answer>(sent: Sent): Promise<Answer>;
  get<Answer>(path: string, call?: CallOptions): Promise<Answer>;
  postOnce<Answer>(path: string, body: object, call?: CallOptions & { msMax?: number }): Promise<Answer>;
}

function feedbackOf({ options, json, get, postOnce }: Calls) {
  const pathOf = (name: string, what: string) => `/v1/adapters/${encodeURIComponent(name)}/${what}`;
  return {
    giveFeedback: (name, feedback, call) => postOnce(pathOf(name, "feedback"), feedback, call),
    listFeedback: (name, call = {}) =>
      listPages<FeedbackAnswer>(options, { path: pathOf(name, "feedback"), list: "feedback", ...call }),
    async removeFeedback(name, id, { signal } = {}) {
      const path = `${pathOf(name, "feedback")}/${encodeURIComponent(id)}`;
      await send(options, { method: "DELETE", path, signal, isRepeatable: false });
    },
    // The server makes a dataset before it answers.
    retrainAdapter: (name, request = {}, call) =>
      postOnce(pathOf(name, "retrain"), request, { ...call, msMax: UPLOAD_MS_MAX }),
    getShadow: (name, call) => get(pathOf(name, "shadow"), call),
    setShadow: (name, request, { signal } = {}) =>
      json({ method: "PUT", path: pathOf(name, "shadow"), ...jsonBody(request), signal, isRepeatable: true }),
  } satisfies Partial<Softgate>;
}

function jsonBody(body: unknown) {
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}
