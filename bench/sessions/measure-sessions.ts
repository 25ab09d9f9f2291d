// What cores are best given to: threads of one session, or sessions of one thread each. Each way computes full passes of
// many tenants' texts as fast as it can, and one pass alone.
import { availableParallelism } from "node:os";
import type { TextInput } from "#model";
import { type Classifier, createClassifier } from "#model/runtime";
import type { BenchIo } from "../io.ts";
import type { OpenedBackbone } from "../open-backbone.ts";
import { measureRounds } from "../serve/measure-rounds.ts";
import { makeAdapter } from "../serve/resident-adapters.ts";
import { type Summary, summarize } from "../statistics.ts";

export interface MeasureSessionsRequest {
  readonly backbone: OpenedBackbone;
  /** Of one pass, each another tenant's. */
  readonly texts: readonly TextInput[];
  readonly rounds: number;
  readonly warmUp: number;
  readonly io: BenchIo;
}

export interface SessionsResult {
  readonly sessions: number;
  readonly threads: number;
  /** All sessions at work. */
  readonly textsPerSecond: number;
  /** Over that of one session with all threads, round by round. */
  readonly ofOne: Summary;
  /** One pass, while nothing else runs. */
  readonly aloneMs: Summary;
}

/** Passes that each session computes in a round. */
const PASSES = 4;

interface Way {
  readonly sessions: number;
  readonly threads: number;
}

/** The first is what others are compared with. */
export function waysOf(cores: number): Way[] {
  const ways = [{ sessions: 1, threads: cores }];
  for (let threads = Math.floor(cores / 2); threads >= 1; threads = Math.floor(threads / 2))
    ways.push({ sessions: Math.floor(cores / threads), threads });
  return ways;
}

export async function measureSessions(request: MeasureSessionsRequest): Promise<SessionsResult[]> {
  const { texts, rounds, warmUp, io } = request;
  const onRound = (round: number) => round % 5 === 0 && io.stderr(`Round ${round} of ${rounds}\n`);
  const opened: OpenWay[] = [];
  try {
    for (const way of waysOf(availableParallelism())) opened.push(await open(request, way));
    const full = await measureRounds(new Map(opened.map((way) => [way, way.runAll])), {
      warmUp,
      rounds,
      onRound,
    });
    const alone = await measureRounds(new Map(opened.map((way) => [way, way.runOne])), { warmUp, rounds });
    const rates = (way: OpenWay) =>
      (full.get(way) ?? []).map((ms) => (1000 * way.sessions * PASSES * texts.length) / ms);
    const [first] = opened;
    const base = first ? rates(first) : [];
    return opened.map((way) => ({
      ...{ sessions: way.sessions, threads: way.threads },
      textsPerSecond: summarize(rates(way)).median,
      ofOne: summarize(rates(way).map((rate, round) => rate / (base[round] ?? Number.NaN))),
      aloneMs: summarize(alone.get(way) ?? []),
    }));
  } finally {
    for (const { close } of opened) await close();
  }
}

interface OpenWay extends Way {
  readonly runAll: () => Promise<unknown>;
  readonly runOne: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

async function open(
  { backbone: { backbone }, texts }: MeasureSessionsRequest,
  { sessions, threads }: Way,
): Promise<OpenWay> {
  const classifiers: Classifier[] = [];
  for (let made = 0; made < sessions; made++)
    classifiers.push(await createClassifier(backbone, { threads, sessions: 1 }));
  const pass = (classifier: Classifier) =>
    Promise.all(texts.map((text, at) => classifyOne(classifier, text, at)));
  const classifyOne = (classifier: Classifier, text: TextInput, at: number) => {
    const load = async () => makeAdapter(backbone.config, at, "spt");
    return classifier.classify({ tenant: `tenant-${at}`, digest: "", load }, [text]);
  };
  return {
    ...{ sessions, threads },
    runAll: () =>
      Promise.all(
        classifiers.map(async (classifier) => {
          for (let done = 0; done < PASSES; done++) await pass(classifier);
        }),
      ),
    runOne: async () => {
      const [first] = classifiers;
      if (first) await pass(first);
    },
    close: async () => {
      for (const classifier of classifiers) await classifier.close();
    },
  };
}
