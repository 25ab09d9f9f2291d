// What --log-level takes. Apart from serve-log.ts, so that no other command loads its library.
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
