// POST /v1/datasets: the first step, upload. The file is parsed in full before it is kept, so that
// every stored dataset can be trained on. Parsing holds the event loop: about a second for the
// largest file allowed.
import { parseDataset } from "#trainer/dataset";
import type { AppContext } from "../../app-env.ts";
import { RequestError } from "../../errors.ts";
import type { Services } from "../../services.ts";
import { readUpload } from "./read-upload.ts";

/** Each holds up to 64 MiB and its parsed form in memory. */
export const UPLOADS_AT_ONCE_MAX = 4;

export function uploadDataset(services: Services) {
  let uploads = 0;
  return async (c: AppContext) => {
    if (uploads >= UPLOADS_AT_ONCE_MAX) {
      throw new RequestError("too_many_uploads", "The server is taking other uploads; send this again soon.");
    }
    uploads += 1;
    try {
      return c.json(await store(services, c), 201);
    } finally {
      uploads -= 1;
    }
  };
}

async function store({ registry }: Services, c: AppContext) {
  const upload = await readUpload(c);
  const { examples, labels, warnings } = parseDataset(upload.bytes, upload);
  const { id } = await registry.putDataset(c.get("tenant"), { ...upload, rows: examples.length, labels });
  return { id, rows: examples.length, labels, warnings };
}
