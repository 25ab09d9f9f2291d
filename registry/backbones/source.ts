// A source puts the three files of a backbone into a staging folder. pull.ts tries one after the other.
import type { BackboneFile, FilePins } from "./catalog.ts";

export interface PullProgress {
  readonly file: string;
  readonly source: string;
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface FetchOptions {
  /** Where config.json, tokenizer.json and model.safetensors shall lie; exists. */
  readonly staging: string;
  /** When set, bytes that differ are refused and removed; without, whatever comes is taken. */
  readonly pins?: FilePins | undefined;
  /** Awaited with each complete file; rejects to end the pull before larger files come. */
  readonly inspect?: ((file: BackboneFile, path: string) => Promise<void>) | undefined;
  /** Of an HTTP server, until its first answer. Default that of download.ts. */
  readonly answerMsMax?: number | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BackboneSource {
  /** Shown to people, in progress and in failures. */
  readonly name: string;
  /** Resolves to a description for backbone.json. Rejects with the reason. */
  fetch(options: FetchOptions): Promise<string>;
}
