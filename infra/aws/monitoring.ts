// Alarms to a topic, and a dashboard of the same.
import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  type Metric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Rule } from "aws-cdk-lib/aws-events";
import { SnsTopic } from "aws-cdk-lib/aws-events-targets";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import type { ApiFunction } from "./api-function.ts";
import type { Settings } from "./settings.ts";
import type { Trainer } from "./trainer.ts";

type Options = Pick<Settings, "alarmEmail" | "provisionedConcurrency"> & {
  readonly api: ApiFunction;
  readonly trainer: Trainer | undefined;
};

const PERIOD = Duration.minutes(5);
/** Of the function's time limit. */
const SLOW_SHARE = 0.5;

export function addMonitoring(scope: Construct, options: Options): void {
  const topic = new Topic(scope, "Alarms", { enforceSSL: true });
  if (options.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(options.alarmEmail));
  const metrics = metricsOf(scope, options.api);
  const alarm = (id: string, metric: IMetric, { above, why }: { above: number; why: string }) =>
    new Alarm(scope, id, {
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: why,
    }).addAlarmAction(new SnsAction(topic));
  alarm("FunctionFails", metrics.errors, {
    above: 0,
    why: "The function ended without an answer, or did not start.",
  });
  alarm("RequestsFail", metrics.faults, {
    above: 0,
    why: "Requests were answered with a 5xx; the log has why.",
  });
  alarm("Throttled", metrics.throttles, { above: 0, why: "More requests at once than instances may be." });
  alarm("Slow", metrics.p99, {
    above: SLOW_SHARE * options.api.timeout.toMilliseconds(),
    why: "1 of 100 requests takes half of the time that a request has.",
  });
  if (options.provisionedConcurrency > 0) {
    alarm("Spilled", metrics.spilled, {
      above: 0,
      why: "Requests met a cold start: more at once than instances are kept.",
    });
  }
  if (options.trainer) {
    new Rule(scope, "TrainerFails", {
      description: "A trainer ended badly, after all of its attempts.",
      eventPattern: {
        source: ["aws.batch"],
        detailType: ["Batch Job State Change"],
        detail: { status: ["FAILED"], jobQueue: [options.trainer.queue.jobQueueArn] },
      },
      targets: [new SnsTopic(topic)],
    });
  }
  addDashboard(scope, metrics);
}

function metricsOf(scope: Construct, { alias, logGroup }: ApiFunction) {
  const sum = { period: PERIOD, statistic: "Sum" };
  const errorLines = new MetricFilter(scope, "ErrorLines", {
    logGroup,
    metricNamespace: "Softgate",
    metricName: "RequestsFailed",
    filterPattern: FilterPattern.stringValue("$.event", "=", "error"),
  });
  return {
    invocations: alias.metricInvocations(sum),
    errors: alias.metricErrors(sum),
    throttles: alias.metricThrottles(sum),
    faults: errorLines.metric(sum),
    spilled: alias.metric("ProvisionedConcurrencySpilloverInvocations", sum),
    p50: alias.metricDuration({ period: PERIOD, statistic: "p50" }),
    p99: alias.metricDuration({ period: PERIOD, statistic: "p99" }),
    concurrent: alias.metric("ConcurrentExecutions", { period: PERIOD, statistic: "Maximum" }),
  } satisfies Record<string, Metric>;
}

function addDashboard(scope: Construct, metrics: ReturnType<typeof metricsOf>): void {
  const { invocations, errors, throttles, faults, spilled, p50, p99, concurrent } = metrics;
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
  new Dashboard(scope, "Dashboard").addWidgets(
    graph("Requests", [invocations]),
    graph("What failed", [errors, faults, throttles]),
    graph("Milliseconds", [p50, p99]),
    graph("Instances", [concurrent, spilled]),
  );
}
