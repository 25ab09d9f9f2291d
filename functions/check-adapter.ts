// What a host checks of an adapter before it becomes a version: that its files are whole, and that it fits the backbone
// that is held here, where it names that one.
import { assertFits, type EncoderConfig, parsePublishedAdapter } from "#model";
import type { CheckAdapter } from "#registry";

/** An adapter that names the backbone held here must fit it too: else no text could be classified with it. */
export function checkOn(digest: string, config: EncoderConfig): CheckAdapter {
  return (files, manifest) => {
    const adapter = parsePublishedAdapter(files, manifest);
    if (manifest.backbone.digest === digest) assertFits(adapter, config);
  };
}
