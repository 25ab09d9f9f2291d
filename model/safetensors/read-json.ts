// The JSON a safetensors header may hold: objects, arrays, strings and whole numbers ≥ 0, nothing else.
// JSON.parse cannot be used: it lets the last of two equal keys win, so two readers of one file could
// see two models. Objects become Maps, so a key such as "__proto__" is a key like any other.

export type HeaderValue = string | number | readonly HeaderValue[] | ReadonlyMap<string, HeaderValue>;

export interface JsonLimits {
  /** Objects and arrays inside each other, the outermost counted. */
  readonly depthMax: number;
  /** Members of one object or array. */
  readonly membersMax: number;
}

/** Throws SyntaxError naming what is wrong and at which character. */
export function readJson(text: string, limits: JsonLimits): HeaderValue {
  const cursor: Cursor = { text, at: 0, limits };
  const value = readValue(cursor, 1);
  skipSpace(cursor);
  if (cursor.at !== text.length) fail(cursor, "something follows the JSON value");
  return value;
}

interface Cursor {
  readonly text: string;
  readonly limits: JsonLimits;
  at: number;
}

function readValue(cursor: Cursor, depth: number): HeaderValue {
  skipSpace(cursor);
  const first = cursor.text[cursor.at];
  if (first === '"') return readString(cursor);
  if (first !== undefined && first >= "0" && first <= "9") return readNumber(cursor);
  if (first !== "{" && first !== "[") fail(cursor, "expected an object, array, string or whole number");
  if (depth > cursor.limits.depthMax) fail(cursor, `nested deeper than ${cursor.limits.depthMax}`);
  return first === "{" ? readObject(cursor, depth) : readArray(cursor, depth);
}

function readObject(cursor: Cursor, depth: number): ReadonlyMap<string, HeaderValue> {
  const members = new Map<string, HeaderValue>();
  cursor.at += 1;
  if (take(cursor, "}")) return members;
  do {
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== '"') fail(cursor, "expected a key in double quotes");
    const key = readString(cursor);
    if (members.has(key)) fail(cursor, `the key ${quote(key)} occurs twice`);
    if (members.size === cursor.limits.membersMax) tooMany(cursor);
    if (!take(cursor, ":")) fail(cursor, "expected ':'");
    members.set(key, readValue(cursor, depth + 1));
  } while (take(cursor, ","));
  if (!take(cursor, "}")) fail(cursor, "expected ',' or '}'");
  return members;
}

function readArray(cursor: Cursor, depth: number): readonly HeaderValue[] {
  const members: HeaderValue[] = [];
  cursor.at += 1;
  if (take(cursor, "]")) return members;
  do {
    if (members.length === cursor.limits.membersMax) tooMany(cursor);
    members.push(readValue(cursor, depth + 1));
  } while (take(cursor, ","));
  if (!take(cursor, "]")) fail(cursor, "expected ',' or ']'");
  return members;
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  let end = cursor.text.indexOf('"', start + 1);
  while (end !== -1 && backslashesBefore(cursor.text, end) % 2 === 1) end = cursor.text.indexOf('"', end + 1);
  if (end === -1) fail(cursor, "a string does not end");
  const literal = cursor.text.slice(start, end + 1);
  try {
    const value: unknown = JSON.parse(literal);
    if (typeof value === "string" && value.isWellFormed()) {
      cursor.at = end + 1;
      return value;
    }
  } catch {
    // Control characters and unknown escapes; told below.
  }
  return fail(cursor, "a string holds a bad escape, a control character or half a surrogate pair");
}

function backslashesBefore(text: string, end: number): number {
  let count = 0;
  while (text[end - 1 - count] === "\\") count += 1;
  return count;
}

function readNumber(cursor: Cursor): number {
  const digits = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
  digits.lastIndex = cursor.at;
  const value = Number(digits.exec(cursor.text)?.[0] ?? Number.NaN);
  if (!Number.isSafeInteger(value)) fail(cursor, "a number is not a whole number below 2^53");
  cursor.at = digits.lastIndex;
  return value;
}

function take(cursor: Cursor, character: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function skipSpace(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && " \n\r\t".includes(cursor.text.charAt(cursor.at))) cursor.at += 1;
}

function tooMany(cursor: Cursor): never {
  return fail(cursor, `more than ${cursor.limits.membersMax} members in one object or array`);
}

function fail(cursor: Cursor, problem: string): never {
  throw new SyntaxError(`${problem} (at character ${cursor.at} of the header)`);
}

/** A name as it may stand in a message: short, and without control characters. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
