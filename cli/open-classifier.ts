// Who answers softgate classify: an adapter of a store in this process, or a server over HTTP.
import { z } from "zod";
import { type Prediction, predictionOf, predictionSchema } from "#functions/prediction";
import type { TextInput } from "#model";
import { parseAdapterReference } from "#registry";
import type { Io } from "./io.ts";
import { type OpenAdapterOptions, withAdapter } from "./open-adapter.ts";
import { type Client, createClient } from "./remote/client.ts";
import { versionOf } from "./remote/report-page.ts";

export interface TextClassifier {
  classify(inputs: readonly TextInput[], topK: number): Promise<Prediction[]>;
  /** The version that answered last; undefined before the first answer of a server. */
  answeredBy(): { readonly version: number; readonly digest: string } | undefined;
}

/** One version answers all, whatever aliases do meanwhile. */
export interface PinnedClassifier extends Pick<TextClassifier, "classify"> {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly labels: readonly string[];
}

/** Texts in one request to a server; it takes no more. */
const TEXTS_PER_REQUEST_MAX = 256;
/** Of these texts, as JSON: less than a server takes, as something stands around them. */
const TEXT_BYTES_PER_REQUEST_MAX = 1_000_000;

export function withClassifier<Result>(
  options: OpenAdapterOptions,
  io: Io,
  use: (classifier: TextClassifier) => Promise<Result>,
): Promise<Result> {
  if (!options.remote) {
    return withPinnedClassifier(options, io, (classifier) => {
      const { version, digest, classify } = classifier;
      return use({ classify, answeredBy: () => ({ version, digest }) });
    });
  }
  let last: { version: number; digest: string } | undefined;
  const ask = asking(createClient(options.remote, io.signal), options.adapter, (answeredBy) => {
    last = answeredBy;
  });
  return use({ classify: ask, answeredBy: () => last });
}

/** On a server it needs a key that may read, too. */
export async function withPinnedClassifier<Result>(
  options: OpenAdapterOptions,
  io: Io,
  use: (classifier: PinnedClassifier) => Promise<Result>,
): Promise<Result> {
  if (options.remote) return use(await pinOnServer(options.adapter, createClient(options.remote, io.signal)));
  return withAdapter(options, io, ({ resolved, classify }) =>
    use({
      ...{ name: resolved.name, version: resolved.version, digest: resolved.digest },
      labels: resolved.manifest.labels,
      classify: async (inputs, topK) =>
        (await classify(inputs)).map((classification) => predictionOf(classification, topK)),
    }),
  );
}

const versionSchema = z.looseObject({ digest: z.string(), labels: z.array(z.string()) });

async function pinOnServer(adapterId: string, client: Client): Promise<PinnedClassifier> {
  const reference = parseAdapterReference(adapterId);
  const { name } = reference;
  const version = await versionOf(client, reference);
  const found = await client.get(`/v1/adapters/${encodeURIComponent(name)}/versions/${version}`);
  const { digest, labels } = versionSchema.parse(found);
  return { name, version, digest, labels, classify: asking(client, `${name}:${version}`) };
}

const answerSchema = z.looseObject({
  ...{ version: z.int(), digest: z.string() },
  predictions: z.array(predictionSchema),
});

function asking(
  client: Client,
  adapterId: string,
  onAnswer: (answeredBy: { version: number; digest: string }) => void = () => undefined,
): TextClassifier["classify"] {
  return async (inputs, topK) => {
    const predictions: Prediction[] = [];
    for (const some of requestsOf(inputs)) {
      const body = { adapterId, inputs: some, topK };
      const answer = answerSchema.parse(await client.send("POST", "/v1/classify", body));
      onAnswer({ version: answer.version, digest: answer.digest });
      predictions.push(...answer.predictions);
    }
    return predictions;
  };
}

/** Texts that fit into one request each. */
function* requestsOf(inputs: readonly TextInput[]): Generator<TextInput[]> {
  let texts: TextInput[] = [];
  let bytes = 0;
  for (const input of inputs) {
    const more = Buffer.byteLength(JSON.stringify(input)) + 1;
    const isFull = texts.length === TEXTS_PER_REQUEST_MAX || bytes + more > TEXT_BYTES_PER_REQUEST_MAX;
    if (isFull && texts.length > 0) {
      yield texts;
      [texts, bytes] = [[], 0];
    }
    texts.push(input);
    bytes += more;
  }
  if (texts.length > 0) yield texts;
}
