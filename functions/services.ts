// The one list of what the HTTP routes depend on.
import type { Adapter, RequestObserver, TextInput } from "#model";
import type { KeyUses, Registry, ResolvedAdapter, Signer, TenantId } from "#registry";
import type { JobQueue } from "#trainer/job";
import type { TokenVerifier } from "./oidc.ts";
import type { ShadowMode } from "./shadow-mode.ts";

export interface HeldBackbone {
  readonly id: string;
  readonly digest: string;
  /** Of the encoder in int8, where that answers. */
  readonly int8Digest?: string;
}

export interface Services {
  /** Tenants' datasets, adapters, keys. */
  readonly registry: Registry;
  /** Scores texts with a resolved adapter. */
  readonly classifier: ClassifierPort;
  /** Takes training jobs. */
  readonly jobs: JobQueue;
  /** Signs what the jobs publish, where the server was given a key. */
  readonly signer?: Signer;
  /** The backbone this server holds. */
  readonly backbone: HeldBackbone;
  /** Takes tokens of an issuer beside keys, where the server was given one. */
  readonly tokens?: TokenVerifier;
  /** Remembers when keys were last used, where that is kept. */
  readonly keyUses?: Pick<KeyUses, "note">;
  /** Remembers which adapters answered, where that is kept over a restart. */
  readonly warmSet?: { note(tenant: TenantId, adapter: ResolvedAdapter): void };
  /** Asks shadows beside production, where there are any. */
  readonly shadow?: Pick<ShadowMode, "follow">;
  /** One structured line per event; never texts, never secrets. */
  readonly log: (event: Record<string, unknown>) => void;
}

/** What #model/runtime's Classifier offers, so that routes can be tested and hosted without native code. */
export interface ClassifierPort {
  classify(
    adapter: { tenant: TenantId; digest: string; load(): Promise<Adapter> },
    inputs: readonly TextInput[],
    options: { timeoutMs?: number; observer?: RequestObserver },
  ): Promise<
    { scores_C: Float32Array; labels: readonly string[]; truncated: boolean; outOfScope: boolean }[]
  >;
  /** Resolves when the backbone answers. */
  probe(): Promise<void>;
}

export type { ResolvedAdapter, TenantId };
