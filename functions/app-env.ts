// What the middleware leaves in a request's context for the routes and for the log line.
import type { Context } from "hono";
import type { KeyScope, TenantId } from "#registry";
import type { Scope } from "./scope.ts";

export interface AppEnv {
  Variables: {
    /** Set by request-id.ts; in every response, problem and log line. */
    requestId: string;
    /** Set by limit-body.ts; enforced by read-body.ts, the only way to a body. */
    bodyBytesMax: number;
    /** Likewise. */
    bodyMsMax: number;
    /** Set by authenticate.ts on /v1; there is no other source of a tenant. */
    tenant: TenantId;
    keyId: string;
    /** What the credential may do; asked by require-scope.ts. */
    scopes: readonly KeyScope[];
    /**
     * Set by answer-once.ts where the request has an Idempotency-Key: for what makes a change once by itself. 32
     * hexadecimal digits.
     */
    onceId?: string;
    /** Set by read-body.ts once the body was read whole. */
    body?: Uint8Array<ArrayBuffer>;
    /** Set by trace-request.ts on /v1. */
    scope: Scope;
    /** Set by classify.ts, for the log line. */
    adapterDigest: string;
    /** Set by problem.ts, for the log line. */
    errorCode: string;
  };
}

// Path is a literal where a route reads parameters from it.
export type AppContext<Path extends string = string> = Context<AppEnv, Path>;
