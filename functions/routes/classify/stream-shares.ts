// What streams may take of a server: how many there are, and how many of a tenant's texts all of its streams together
// have in the classifier's line. It is a part of what the tenant may have there, so that its single requests find room.
import { RequestError } from "../../errors.ts";
import type { TenantId } from "../../services.ts";

export const STREAMS_MAX = 256;
export const TENANT_STREAMS_MAX = 8;
/** An eighth of TENANT_QUEUED_TEXTS_MAX, and more than forward passes take meanwhile. */
export const TENANT_STREAM_TEXTS_MAX = 512;

export class StreamShares {
  readonly #shares = new Map<TenantId, TenantShare>();
  #streams = 0;

  /** Closed when the stream ends. Throws RequestError too_many_line_streams. */
  open(tenant: TenantId): TenantShare {
    const share = this.#shares.get(tenant) ?? new TenantShare(() => this.#close(tenant));
    if (this.#streams >= STREAMS_MAX || share.streams >= TENANT_STREAMS_MAX) {
      throw new RequestError(
        "too_many_line_streams",
        `${share.streams} of your streams are open, and ${TENANT_STREAMS_MAX} may be, of all tenants ${STREAMS_MAX}. ` +
          "Send more lines in one, or wait until one has ended.",
      );
    }
    this.#shares.set(tenant, share);
    this.#streams += 1;
    share.streams += 1;
    return share;
  }

  #close(tenant: TenantId): void {
    const share = this.#shares.get(tenant);
    if (!share) return;
    this.#streams -= 1;
    share.streams -= 1;
    if (share.streams === 0) this.#shares.delete(tenant);
  }
}

interface Waiter {
  readonly texts: number;
  readonly go: () => void;
}

export class TenantShare {
  streams = 0;
  #texts = 0;
  #waiting: Waiter[] = [];
  readonly #close: () => void;

  constructor(close: () => void) {
    this.#close = close;
  }

  /** Once for each opened stream. */
  close(): void {
    this.#close();
  }

  /** Runs `work` when there is room for its texts: who came first goes first. Rejects as it does, or when aborted before. */
  async with<Value>(texts: number, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    await this.#enter(texts, signal);
    try {
      return await work();
    } finally {
      this.#texts -= texts;
      this.#admit();
    }
  }

  async #enter(texts: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        this.#admit();
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const waiter = { texts, go };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
      this.#admit();
    });
  }

  #admit(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (this.#texts > 0 && this.#texts + first.texts > TENANT_STREAM_TEXTS_MAX) return;
      this.#waiting.shift();
      this.#texts += first.texts;
      first.go();
    }
  }
}
