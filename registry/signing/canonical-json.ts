// JSON in one form only (RFC 8785): signatures are over bytes, and whoever signs and whoever verifies must
// come to the same ones.

/**
 * Of what JSON.parse gives. Names sorted by code unit, no spaces, numbers and strings as ECMAScript writes them;
 * what is undefined is left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, part]) => `${JSON.stringify(name)}:${canonicalJson(part)}`);
  return `{${fields.join(",")}}`;
}
