// Reads well-formed markup, XML's rules for tags, attributes and entities, and refuses all else: what a browser
// would repair silently is a fault here.

export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** Of the element and all below it, entities resolved. */
  text: string;
}

const TOKEN = /<!doctype html>\n|<\/([a-z][a-z0-9]*)>|<([a-z][a-z0-9]*)((?:\s[^<>]*?)?)(\/?)>|([^<>]+)/gy;
const ATTRIBUTE = /\s+([a-zA-Z][a-zA-Z0-9-]*)="([^"<>]*)"/gy;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** The root, <html>. Throws an Error with the place of what is not well-formed. */
export function parseMarkup(source: string): Element {
  const root: Element = { tag: "", attributes: {}, children: [], text: "" };
  const open = [root];
  let at = 0;
  for (const [token, closing, tag, attributes, isVoid, text] of source.matchAll(TOKEN)) {
    at += token.length;
    if (closing !== undefined) {
      const closed = open.pop();
      if (closed?.tag !== closing) throw new Error(`</${closing}> closes <${closed?.tag}> at ${at}`);
    } else if (tag !== undefined) {
      const element = { tag, attributes: parseAttributes(attributes ?? ""), children: [], text: "" };
      open.at(-1)?.children.push(element);
      if (!isVoid) open.push(element);
    } else if (text !== undefined) {
      for (const element of open) element.text += resolve(text);
    }
  }
  if (at !== source.length) throw new Error(`not well-formed: ${source.slice(at, at + 80)}`);
  const [html, ...others] = root.children;
  if (!html || others.length > 0 || open.length > 1) throw new Error("not one root, or one left open");
  return html;
}

/** The element and all below it. */
export function allElements(element: Element): Element[] {
  return [element, ...element.children.flatMap(allElements)];
}

function parseAttributes(source: string): Record<string, string> {
  const found = [...source.matchAll(ATTRIBUTE)];
  const read = found.map(([text]) => text).join("");
  if (read !== source.trimEnd()) throw new Error(`attributes not well-formed: ${source}`);
  const attributes = Object.fromEntries(found.map(([, name = "", value = ""]) => [name, resolve(value)]));
  if (Object.keys(attributes).length !== found.length) throw new Error(`an attribute twice: ${source}`);
  return attributes;
}

function resolve(text: string): string {
  return text.replaceAll(/&([^;]*);?/g, (entity, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined || !entity.endsWith(";")) throw new Error(`no entity: ${entity}`);
    return character;
  });
}
