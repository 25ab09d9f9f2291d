// The web pages that may call a Worker from a browser, as its setting names them.

/** "*" or origins with commas between; none without. Throws an Error that names the setting. */
export function parseCorsOrigins(value: unknown): readonly string[] {
  if (value === undefined || value === "") return [];
  const origins = typeof value === "string" ? value.split(",").map((origin) => origin.trim()) : [""];
  if (origins.every((origin) => origin === "*" || URL.parse(origin)?.origin === origin)) return origins;
  throw new Error("CORS_ORIGINS: give origins such as https://app.example.com, separated by commas, or *.");
}
