// Who answers softgate classify: an adapter of a store in this process, or a server over HTTP.
import { z } from "zod";
import { type Prediction, predictionOf, predictionSchema } from "#functions/prediction";
import type { TextInput } from "#model";
import type { Io } from "./io.ts";
import { type OpenAdapterOptions, withAdapter } from "./open-adapter.ts";
import { createClient } from "./remote/client.ts";

export interface Predictor {
  predict(inputs: readonly TextInput[], topK: number): Promise<Prediction[]>;
  /** The version that answered last; undefined before the first answer of a server. */
  answeredBy(): { readonly version: number; readonly digest: string } | undefined;
}

/** Texts in one request to a server; it takes no more. */
const TEXTS_PER_REQUEST = 256;

export function withPredictor<Result>(
  options: OpenAdapterOptions,
  io: Io,
  use: (predictor: Predictor) => Promise<Result>,
): Promise<Result> {
  if (options.remote) return use(remotePredictor(options.adapter, createClient(options.remote, io.signal)));
  return withAdapter(options, io, ({ resolved, classify }) =>
    use({
      predict: async (inputs, topK) =>
        (await classify(inputs)).map((classification) => predictionOf(classification, topK)),
      answeredBy: () => resolved,
    }),
  );
}

const answerSchema = z.looseObject({
  ...{ version: z.int(), digest: z.string() },
  predictions: z.array(predictionSchema),
});

function remotePredictor(adapterId: string, client: ReturnType<typeof createClient>): Predictor {
  let last: { version: number; digest: string } | undefined;
  return {
    async predict(inputs, topK) {
      const predictions: Prediction[] = [];
      for (let start = 0; start < inputs.length; start += TEXTS_PER_REQUEST) {
        const body = { adapterId, inputs: inputs.slice(start, start + TEXTS_PER_REQUEST), topK };
        const answer = answerSchema.parse(await client.send("POST", "/v1/classify", body));
        last = { version: answer.version, digest: answer.digest };
        predictions.push(...answer.predictions);
      }
      return predictions;
    },
    answeredBy: () => last,
  };
}
