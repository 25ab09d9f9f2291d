// A list of the API, page by page: the next is asked for when the last thing of the one before was taken.
import { type SoftgateOptions, send } from "./send.ts";

interface PagesOptions {
  readonly path: string;
  /** What the list is called in the answer. */
  readonly list: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function* listPages<Item>(
  options: SoftgateOptions,
  { path, list, query, signal }: PagesOptions,
): AsyncGenerator<Item> {
  let after: string | undefined;
  do {
    const sent = { method: "GET", path, query: { ...query, after }, signal, isRepeatable: true } as const;
    const page = (await (await send(options, sent)).json()) as Record<string, Item[]> & { next?: string };
    yield* page[list] ?? [];
    after = page.next;
  } while (after !== undefined);
}
