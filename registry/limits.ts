// Everything in this room that grows has a named limit here.
import { OBJECT_BYTES_MAX } from "./object-store/object-store.ts";

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const GIBIBYTE = 1024 * MEBIBYTE;

/** Of a tenant, unless an operator has set others (tenant-limits.ts). */
export const ADAPTERS_PER_TENANT_DEFAULT = 10_000;
export const VERSIONS_PER_ADAPTER_DEFAULT = 1_000;
/** Blobs, which are datasets and adapters' files, and feedback. */
export const BYTES_PER_TENANT_DEFAULT = 32 * GIBIBYTE;

export const DATASETS_PER_PAGE_MAX = 200;
/** As much as a store keeps in one object. */
export const DATASET_BYTES_MAX = OBJECT_BYTES_MAX;
/** Of a blob that is read part by part, so much is in memory. */
export const BLOB_PART_BYTES = 8 * MEBIBYTE;
/** Of a dataset that an alias is held to: every version is evaluated on all of them. */
export const TEST_SET_ROWS_MAX = 20_000;
/** From when its URL is made to when the upload begins. */
export const PRESIGNED_UPLOAD_SECONDS = 900;
/** From when an upload by URL is begun until it must be completed: what is sent meanwhile is not collected. */
export const UPLOAD_PENDING_MS_MAX = 60 * 60 * 1_000;
/** Of a tenant. */
export const UPLOADS_PENDING_MAX = 100;
/** Of an adapter, of all its versions: each is read for a retraining, and listed for the next. */
export const FEEDBACK_PER_ADAPTER_MAX = 5_000;
export const FEEDBACK_BYTES_MAX = 16 * MEBIBYTE;
export const FEEDBACK_PER_PAGE_MAX = 200;
/** As a dataset's texts. */
export const FEEDBACK_TEXT_CHARACTERS_MAX = 20_000;
export const ADAPTER_FILE_BYTES_MAX = 64 * MEBIBYTE;
export const MANIFEST_BYTES_MAX = MEBIBYTE;
/** Of a tenant, those that were revoked included. */
export const SIGNING_KEYS_PER_TENANT_MAX = 100;
/** Of a tenant; those that ended are forgotten when room is needed. */
export const KEYS_PER_TENANT_MAX = 500;
export const KEYS_PER_PAGE_MAX = 200;
/** After a rotation the old key and the new one are valid together for so long. */
export const KEY_OVERLAP_MS_DEFAULT = 24 * 60 * 60 * 1_000;
export const KEY_OVERLAP_MS_MAX = 30 * 24 * 60 * 60 * 1_000;
/** A key's last use is written at most once in this time by each server. */
export const KEY_USE_INTERVAL_MS = 10 * 60 * 1_000;
/**
 * Last uses that one server writes at once; what comes meanwhile is written with a later use. One: a store flushes each,
 * and reads of requests wait behind flushes.
 */
export const KEY_USES_IN_FLIGHT_MAX = 1;
export const PACKAGE_RECORD_BYTES_MAX = 4 * KIBIBYTE;
export const FILE_NAME_LENGTH_MAX = 255;
export const COLUMN_NAME_LENGTH_MAX = 200;
export const KEY_DESCRIPTION_LENGTH_MAX = 200;
export const TENANT_DESCRIPTION_LENGTH_MAX = 200;
export const IDEMPOTENCY_KEY_LENGTH_MAX = 200;

/** So long the answer to a request with an idempotency key is kept. */
export const ONCE_KEPT_MS = 24 * 60 * 60 * 1_000;
/** A request whose process has not renewed it for so long may be done again. */
export const ONCE_UNRENEWED_MS_MAX = 60_000;
export const ONCE_ANSWER_BYTES_MAX = 512 * KIBIBYTE;
/** Of the 256 folders of a tenant, so about 25,000 keys: a folder is listed in one piece. */
export const ONCE_RECORDS_PER_FOLDER_MAX = 100;

export const VERSION_MAX = 99_999_999;
export const VERSIONS_PER_PAGE_MAX = 200;
/** Where the newest manifests may be of deleted versions. */
export const MANIFESTS_LISTED_AT_ONCE = 100;
export const ADAPTERS_PER_PAGE_MAX = 200;
export const PER_PAGE_DEFAULT = 50;
/** Adapters looked at for one page of a search by label or backbone, however few of them fit. */
export const ADAPTERS_SEARCHED_PER_PAGE_MAX = 1_000;
/** Of an adapter's labels, in its state; a search for one beyond them reads the manifest. */
export const LISTED_LABELS_BYTES_MAX = 16 * KIBIBYTE;
/** Of an adapter's state: above what the limits of its parts add up to. */
export const STATE_BYTES_MAX = 512 * KIBIBYTE;
export const ALIASES_PER_ADAPTER_MAX = 100;
/** Earlier versions of one alias that a rollback finds by itself. */
export const ROLLBACK_TRAIL_MAX = 20;
/** Versions of one adapter that are deleted and can be restored, or were not yet collected. */
export const DELETED_VERSIONS_MAX = 1_000;
/** What was deleted can be restored for so long, unless the registry is made with another window. */
export const RESTORE_MS_DEFAULT = 30 * 24 * 60 * 60 * 1_000;

/** Ranges of numbers that are gone for good, in an adapter's state. A version beyond is not removed. */
export const GONE_RANGES_MAX = 2_000;
/** Deleted, or removed, by one change of an adapter; more take another change. */
export const VERSIONS_PER_CHANGE_MAX = 100;
/** What a retention may keep. */
export const KEEP_VERSIONS_MAX = 100_000;
export const KEEP_DAYS_MAX = 36_500;

export const REASON_LENGTH_MAX = 500;
/** Changes in one segment of an adapter's history; its state holds at most twice as many. */
export const HISTORY_SEGMENT_CHANGES = 16;
export const CHANGES_PER_ADAPTER_MAX = 99_999_999;
export const HISTORY_PER_PAGE_MAX = 200;
/** Read for one page, however few of their changes are of the alias that is asked for. */
export const HISTORY_SEGMENTS_PER_PAGE_MAX = 16;
export const AUDIT_ENTRIES_PER_PAGE_MAX = 200;

/** Numbers tried by one publish when others take them first. */
export const CLAIM_ATTEMPTS_MAX = 64;
/** Compare-and-swap rounds of one change of an adapter or key. */
export const SWAP_ATTEMPTS_MAX = 64;
/** Blobs that a collection or a check compares with all manifests at once; more take another pass over these. */
export const BLOBS_COMPARED_AT_ONCE = 50_000;
/** Bytes of objects that a check holds at once, unless one object alone is larger. */
export const CHECKED_BYTES_IN_FLIGHT_MAX = 64 * MEBIBYTE;
/** Bytes of files that a mirror holds at once, unless one file alone is larger. */
export const MIRRORED_BYTES_IN_FLIGHT_MAX = 64 * MEBIBYTE;
/** Blobs that a mirror remembers to have sent, or found, so as not to ask for each again. */
export const MIRRORED_BLOBS_REMEMBERED_MAX = 50_000;
/** Well below PUBLISH_UNCHECKED_MS_MAX: what is remembered is still kept for whoever names it. */
export const MIRRORED_BLOB_REMEMBERED_MS_MAX = 5 * 60 * 1_000;
/**
 * A blob stays in the store for so long after it was found that nothing names it, whatever an operator asks for. Far
 * above every time that readers may lag behind, and above PUBLISH_UNCHECKED_MS_MAX. What is younger may belong to
 * a publish under way.
 */
export const GARBAGE_AGE_MS_MIN = 60 * 60 * 1_000;
export const GARBAGE_AGE_MS_DEFAULT = 24 * 60 * 60 * 1_000;
/** A publish that takes longer, from looking for its blobs to its manifest, looks whether they were kept for it. */
export const PUBLISH_UNCHECKED_MS_MAX = 15 * 60 * 1_000;
/** Copies of one content, and their marks, among which a publish looks for one; beyond, it sends its own. */
export const COPIES_LISTED_MAX = 100;
/** Folders of a store that a process knows to be flushed; those beyond are flushed again when they are written to. */
export const FLUSHED_FOLDERS_KNOWN_MAX = 10_000;
/** In a folder of this machine, what was read so lately is read again without the thread pool. */
export const RECENT_FILE_MS_MAX = 30_000;
export const RECENT_FILE_BYTES_MAX = 64 * KIBIBYTE;
export const RECENT_FILES_MAX = 10_000;
/** Requests that one call has in flight at the store. */
export const STORE_REQUESTS_IN_FLIGHT_MAX = 16;

export const MANIFESTS_CACHED_MAX = 4096;
export const MANIFEST_CACHE_BYTES_MAX = 64 * MEBIBYTE;
export const STATES_CACHED_MAX = 4096;
export const KEYS_CACHED_MAX = 10_000;
/** Another process's alias move, deletion or restoration is seen after at most this time; one's own at once. */
export const ALIAS_STALE_MS_MAX = 1_000;
/** Aliases that are asked for are read again from this age on, beside the requests, so that none waits for it. */
export const ALIAS_REFRESH_MS = 750;
/** A publish, or a move of an alias, waits so long for the new version to be loaded here before it moves. */
export const BEFORE_SWITCH_MS_MAX = 5_000;
/** Another process's revocation of a key is seen after at most this time; one's own at once. */
export const KEY_STALE_MS_MAX = 10_000;
/** Keys that are used are read again from this age on, beside the requests, so that none waits for it. */
export const KEY_REFRESH_MS = 7_500;

/**
 * That a tenant requires signatures, and that a key that signs was revoked, is seen by requests after at most this
 * time; by publishes and moves of aliases at once.
 */
export const SIGNING_STALE_MS_MAX = 10_000;
/** What is asked for is read again from this age on, beside the requests, so that none waits for it. */
export const SIGNING_REFRESH_MS = 5_000;
export const SIGNING_CACHED_MAX = 10_000;

/** Another process's change of a tenant's requests or texts per minute is seen after at most this time. */
export const RATE_LIMITS_STALE_MS_MAX = 60_000;
/** What is asked for is read again from this age on, beside the requests, so that none waits for it. */
export const RATE_LIMITS_REFRESH_MS = 30_000;
export const RATE_LIMITS_CACHED_MAX = 10_000;

/** Of copies of adapters' files on this machine's disk, where the store is elsewhere. */
export const ADAPTER_DISK_BYTES_DEFAULT = 1024 * MEBIBYTE;
/** Of files that wait to be written there; those that come meanwhile are not kept. */
export const DISK_WAITING_BYTES_MAX = 64 * MEBIBYTE;
/** A file that was not read for so long is dropped when room is looked for. */
export const DISK_UNREAD_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** A file that has been in writing for longer was left by a process that died. */
export const DISK_ABANDONED_MS = 60 * 60 * 1000;
/** Adapters that a server remembers over a restart, the most recently used. */
export const WARM_ADAPTERS_MAX = 1_000;
export const WARM_RECORD_BYTES_MAX = MEBIBYTE;
