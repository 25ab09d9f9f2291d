// Files from the Hugging Face Hub, or a mirror of it at HF_ENDPOINT: <endpoint>/<id>/resolve/<revision>/<file>.
// A cut download goes on where it stopped. A file has its own name only when it is complete and verified.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BACKBONE_FILES } from "./catalog.ts";
import { download } from "./download.ts";
import { isPresent, requirePinned } from "./record.ts";
import type { BackboneSource, FetchOptions } from "./source.ts";

export interface HubSourceOptions {
  /** "owner/name". */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Default $HF_ENDPOINT, else the public Hub. */
  readonly endpoint?: string;
  /** Default $HF_TOKEN. */
  readonly token?: string | undefined;
}

const HUB = "https://huggingface.co";

export function createHubSource(options: HubSourceOptions): BackboneSource {
  const endpoint = (options.endpoint ?? (process.env.HF_ENDPOINT || HUB)).replace(/\/+$/, "");
  const token = options.token ?? process.env.HF_TOKEN;
  const name = `Hugging Face Hub (${endpoint})`;
  const fetch = async (fetchOptions: FetchOptions) => {
    let { revision } = options;
    for (const file of BACKBONE_FILES) {
      const url = `${endpoint}/${options.id}/resolve/${encodeURIComponent(revision)}/${file}`;
      const { commit } = await fetchFile(url, file, { ...fetchOptions, name, token });
      // A branch may move between two files: the commit of the first holds for all.
      revision = commit ?? revision;
      await fetchOptions.inspect?.(file, join(fetchOptions.staging, file));
    }
    return `${endpoint}/${options.id} at ${revision}`;
  };
  return { name, fetch };
}

interface FileOptions extends FetchOptions {
  readonly name: string;
  readonly token: string | undefined;
}

async function fetchFile(
  url: string,
  file: (typeof BACKBONE_FILES)[number],
  options: FileOptions,
): Promise<{ commit?: string | undefined }> {
  const { staging, pins, onProgress, signal, answerMsMax, name, token } = options;
  const path = join(staging, file);
  const pin = pins?.[file];
  if (pin && (await isPresent(path, pin))) return {};
  const partial = `${path}.partial`;
  // Without a pin nothing tells whether an old partial file is of the same revision.
  if (!pin) await rm(partial, { force: true });
  const { commit } = await download(url, partial, {
    token,
    signal,
    answerMsMax,
    bytesMax: pin?.bytes,
    onBytes: (bytes, bytesTotal) => onProgress?.({ file, source: name, bytes, bytesTotal }),
  });
  if (pin) await requirePinned(partial, { name: file, pin });
  await rename(partial, path);
  return { commit };
}
