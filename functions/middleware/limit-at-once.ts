// Bounds how many requests with large bodies are worked on at once: each holds its body, and what is made of it, in
// memory, or a file on disk. A tenant has some of the places and never all where there are several, so that one that
// sends slowly does not keep out the others. Those beyond are asked to come again.
import type { MiddlewareHandler } from "hono";
import type { TenantId } from "#registry";
import type { AppEnv } from "../app-env.ts";
import { RequestError } from "../errors.ts";
import { mediaTypeOf } from "../media-type.ts";
import { writeRateLimit } from "../rate-limit-fields.ts";
import { retryAfterSecondsByCode } from "../status-by-code.ts";

/** What is worked on at once: of all tenants of this server, and of one of them. */
export interface Places {
  readonly what: "uploads" | "imports" | "completions" | "retrainings";
  readonly most: number;
  readonly ofTenantMost: number;
}

/** Of datasets. Each holds up to UPLOAD_BYTES_MAX, and some hundred bytes of memory a row. */
export const UPLOAD_PLACES: Places = { what: "uploads", most: 4, ofTenantMost: 2 };
/** Of packages. Each holds its archive and what it unpacks to. */
export const IMPORT_PLACES: Places = { what: "imports", most: 2, ofTenantMost: 1 };
/** Of uploads by URL. Each has its file on disk, and some hundred bytes of memory a row. */
export const COMPLETION_PLACES: Places = { what: "completions", most: 2, ofTenantMost: 1 };
/** Each has a dataset, and another that is made of it, on disk; the other is in memory, once, while it is kept. */
export const RETRAINING_PLACES: Places = { what: "retrainings", most: 1, ofTenantMost: 1 };

/** Over all routes that share what is returned; of uploads, JSON is small, and not counted. After authenticate.ts. */
export function limitAtOnce(places: Places): MiddlewareHandler<AppEnv> {
  const { what } = places;
  const underWay = new UnderWay(places);
  return async (c, next) => {
    const isJson = mediaTypeOf(c.req.header("content-type")) === "application/json";
    if (what === "uploads" && isJson) return next();
    const tenant = c.get("tenant");
    const full = underWay.begin(tenant);
    if (full) {
      const quota = { name: what, most: full.most, left: 0 };
      writeRateLimit(c, quota, retryAfterSecondsByCode.too_many_uploads ?? 1);
      throw new RequestError("too_many_uploads", full.message);
    }
    try {
      await next();
    } finally {
      underWay.end(tenant);
    }
  };
}

/** As many tenants are counted as have something under way. */
class UnderWay {
  readonly #places: Places;
  readonly #byTenant = new Map<TenantId, number>();
  #all = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  /** The limit that is reached; undefined where it has begun. */
  begin(tenant: TenantId): { most: number; message: string } | undefined {
    const { what, most, ofTenantMost } = this.#places;
    const own = this.#byTenant.get(tenant) ?? 0;
    if (own >= ofTenantMost) {
      const message = `The server takes ${ofTenantMost} of a tenant's ${what} at once, and so many of yours are under way; send this again soon.`;
      return { most: ofTenantMost, message };
    }
    if (this.#all >= most) {
      return { most, message: `The server is taking other ${what}; send this again soon.` };
    }
    this.#byTenant.set(tenant, own + 1);
    this.#all += 1;
    return undefined;
  }

  end(tenant: TenantId): void {
    const left = (this.#byTenant.get(tenant) ?? 0) - 1;
    if (left > 0) this.#byTenant.set(tenant, left);
    else this.#byTenant.delete(tenant);
    this.#all -= 1;
  }
}
