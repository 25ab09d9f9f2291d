// Everything in this room that grows has a named limit here.

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

export const DATASET_BYTES_MAX = 256 * MEBIBYTE;
export const ADAPTER_FILE_BYTES_MAX = 64 * MEBIBYTE;
export const MANIFEST_BYTES_MAX = MEBIBYTE;
export const PACKAGE_RECORD_BYTES_MAX = 4 * KIBIBYTE;
export const JOB_RECORD_BYTES_MAX = 256 * KIBIBYTE;
export const FILE_NAME_LENGTH_MAX = 255;
export const COLUMN_NAME_LENGTH_MAX = 200;
export const KEY_DESCRIPTION_LENGTH_MAX = 200;
export const IDEMPOTENCY_KEY_LENGTH_MAX = 200;

export const VERSION_MAX = 99_999_999;
export const VERSIONS_PER_PAGE_MAX = 200;
export const ADAPTERS_PER_PAGE_MAX = 200;
export const PER_PAGE_DEFAULT = 50;
export const ALIASES_PER_ADAPTER_MAX = 100;
/** Past moves kept of one alias. */
export const ALIAS_HISTORY_MAX = 20;

/** Numbers tried by one publish when others take them first. */
export const CLAIM_ATTEMPTS_MAX = 64;
/** Compare-and-swap rounds of one alias or key change. */
export const SWAP_ATTEMPTS_MAX = 64;
/** Requests that one call has in flight at the store. */
export const STORE_REQUESTS_IN_FLIGHT_MAX = 16;

export const MANIFESTS_CACHED_MAX = 4096;
export const MANIFEST_CACHE_BYTES_MAX = 64 * MEBIBYTE;
export const ALIASES_CACHED_MAX = 4096;
export const KEYS_CACHED_MAX = 10_000;
/** Another process's alias move is seen after at most this time; one's own at once. */
export const ALIAS_STALE_MS_MAX = 1_000;
/** Another process's revocation of a key is seen after at most this time; one's own at once. */
export const KEY_STALE_MS_MAX = 10_000;
