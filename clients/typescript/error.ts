// What a server said is wrong: its problem document (RFC 9457) as an error.

/** Fields that a problem, or the failure of a line or of a part of a batch, has. */
export interface Told {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly errors?: readonly unknown[] | undefined;
}

export class SoftgateError extends Error {
  /** Stays what it is; docs/errors.md says what each means. */
  readonly code: string;
  readonly status: number;
  /** In the server's log. */
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Which fields or rows are to blame. */
  readonly errors: readonly unknown[];

  constructor({ status, code, detail, requestId, retryAfterSeconds, errors = [] }: Told) {
    super(`${code}: ${detail}`);
    this.name = "SoftgateError";
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    this.errors = errors;
  }
}

/** Of an answer that is no success. Of one that is no problem document, as a proxy's may be, the status is all there is. */
export async function errorOf(response: Response): Promise<SoftgateError> {
  const body: unknown = await response.json().catch(() => undefined);
  const problem = typeof body === "object" && body !== null ? (body as Partial<Told>) : {};
  const { code = "unexpected_answer", detail = `The server answered ${response.status}.` } = problem;
  return new SoftgateError({
    ...{ status: response.status, code, detail, errors: problem.errors },
    requestId: problem.requestId ?? response.headers.get("x-request-id") ?? undefined,
    retryAfterSeconds: retryAfterSecondsOf(response.headers),
  });
}

/** Seconds, or a date, as RFC 9110 has it. */
export function retryAfterSecondsOf(headers: Headers, nowMs = Date.now()): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - nowMs) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
