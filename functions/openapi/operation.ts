// What a route takes and answers, as the OpenAPI document says it. Stands in the route's file, beside its handler and
// of the schemas that the handler reads with; operations.ts binds it to method and path. Tests hold every answer of
// every route to it.
import { z } from "zod";
import type { ErrorCode } from "../status-by-code.ts";

export type Tag = (typeof tags)[number]["name"];

/** In the order of the document. */
export const tags = [
  { name: "datasets", description: "Files of texts and labels." },
  { name: "jobs", description: "Trainings: a dataset becomes the next version of an adapter." },
  { name: "classify", description: "Texts are classified with an adapter." },
  { name: "adapters", description: "Adapters and their versions." },
  { name: "feedback", description: "What adapters should have answered, and retraining with it." },
  { name: "aliases", description: "Movable names of versions." },
  { name: "tenant", description: "What the tenant has, and what was changed." },
  { name: "webhooks", description: "Where the ends of jobs are told." },
  { name: "keys", description: "The tenant's keys." },
  { name: "drop-ins", description: "For clients of other servers: docs/how-to/clients.md." },
  { name: "server", description: "The server itself; without a key." },
] as const;

export interface Operation {
  /** In camelCase; generated clients name their functions by it. */
  readonly id: string;
  readonly summary: string;
  readonly tag: Tag;
  /** Of a POST that changes nothing: it takes no Idempotency-Key. */
  readonly changesNothing?: true;
  /** Whether it is answered without a key. */
  readonly isOpen?: true;
  readonly query?: z.ZodObject;
  /** In lower case. Those of every request are added by create-document.ts. */
  readonly headers?: z.ZodObject;
  readonly body?: {
    /** By media type. A file is FILE. */
    readonly content: Readonly<Record<string, z.ZodType>>;
    /** Whether it may be left out. */
    readonly isOptional?: true;
  };
  /** By status, of those that are no problem. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Where the route stands in for another server: errors as its clients read them, not as problems. */
  readonly errorForm?: ErrorForm;
  /** What else than the errors of every route; docs/errors.md says what each means. */
  readonly errors?: readonly ErrorCode[];
}

export interface ErrorForm {
  readonly schema: z.ZodType;
  /** Of a problem's status, the one that is answered. */
  readonly statusOf: (status: number) => number;
}

export interface Answer {
  readonly description: string;
  /** By media type. Absent: no body. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
  /** Names in lower case. */
  readonly headers?: z.ZodObject;
}

/** Where the tenant requires signatures. */
export const SIGNATURE_ERRORS = ["signature_required", "signature_invalid"] as const;

/** Of what moves an alias. */
export const MOVE_ERRORS = [
  ...(["adapter_not_found", "version_not_found", "alias_protected", "promotion_refused"] as const),
  ...(["revision_changed", "conflict", "limit_exceeded", ...SIGNATURE_ERRORS] as const),
];

/** Bytes, or text that is no JSON. */
export const FILE = z.string().meta({ format: "binary" });

export function jsonAnswer(description: string, schema: z.ZodType, headers?: z.ZodObject): Answer {
  return { description, content: { "application/json": schema }, ...(headers && { headers }) };
}

export function jsonBody(schema: z.ZodType): NonNullable<Operation["body"]> {
  return { content: { "application/json": schema } };
}
