// A classifier whose sessions are threads of this process: of every host but the edge.
import type { Backbone } from "../backbone.ts";
import { choosePrecision, type PrecisionChoice } from "../encoder/linear.ts";
import { Classifier, type ClassifierLimits } from "./classifier.ts";
import { planSessions, type SessionCounts } from "./plan-sessions.ts";
import type { PreparedBackbone } from "./prepared-backbone.ts";
import { servingGraph } from "./serving-graph.ts";
import { newSharedFloats } from "./shared-floats.ts";
import { ThreadSession } from "./thread-session.ts";

/** Threads and sessions: see planSessions. */
export interface ClassifierOptions extends ClassifierLimits, SessionCounts {
  /** How the backbone is computed; "auto", the default, is int8. */
  readonly precision?: PrecisionChoice;
}

/** A prepared backbone is computed as it was prepared. Rejects where no session can be loaded. */
export async function createClassifier(
  backbone: Backbone | PreparedBackbone,
  options: ClassifierOptions = {},
): Promise<Classifier> {
  const isPrepared = "graphFile" in backbone;
  const precision = isPrepared ? backbone.precision : choosePrecision(options.precision ?? "auto");
  const graph = isPrepared ? backbone : servingGraph({ ...backbone, precision });
  const { sessions, threads } = planSessions(options);
  const open = () => ThreadSession.create(graph, { threads });
  return Classifier.open(backbone, { precision, open, sessions, newFloats: newSharedFloats }, options);
}
