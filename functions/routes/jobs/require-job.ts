// A job that is not the tenant's is answered as one that never was.
import { RequestError } from "../../errors.ts";

/** Throws job_not_found for undefined. */
export function requireJob<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new RequestError("job_not_found", "There is no job of this id.");
  return found;
}
