// The API as a Lambda function behind a URL that streams. Who may ask for what is settled by Softgate's own keys, so the
// URL itself is open.
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Alias,
  Architecture,
  Code,
  FunctionUrlAuthType,
  InvokeMode,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import type { Settings } from "./settings.ts";
import { allowStore } from "./store.ts";

export interface ApiFunction {
  readonly url: string;
  readonly alias: Alias;
  readonly logGroup: LogGroup;
  readonly timeout: Duration;
}

type Options = Pick<
  Settings,
  "functionFolder" | "memoryMegabytes" | "provisionedConcurrency" | "concurrencyMax"
> & { readonly bucket: Bucket; readonly database: ISecret | undefined };

/** A classification has half a minute of its own; the rest is for a start. */
const TIMEOUT = Duration.seconds(60);

export function addApiFunction(scope: Construct, options: Options): ApiFunction {
  const logGroup = new LogGroup(scope, "ApiLogs", {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const { memoryMegabytes, provisionedConcurrency, concurrencyMax } = options;
  const api = new LambdaFunction(scope, "Api", {
    description: "Softgate's HTTP API",
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: "index.streamHandler",
    code: Code.fromAsset(options.functionFolder),
    memorySize: memoryMegabytes,
    timeout: TIMEOUT,
    role: addRole(scope, { ...options, logGroup }),
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    environment: environmentOf(options),
    ...(concurrencyMax !== undefined && { reservedConcurrentExecutions: concurrencyMax }),
  });
  const alias = new Alias(scope, "ApiLive", {
    aliasName: "live",
    version: api.currentVersion,
    ...(provisionedConcurrency > 0 && { provisionedConcurrentExecutions: provisionedConcurrency }),
  });
  const { url } = alias.addFunctionUrl({
    authType: FunctionUrlAuthType.NONE,
    invokeMode: InvokeMode.RESPONSE_STREAM,
  });
  return { url, alias, logGroup, timeout: TIMEOUT };
}

function environmentOf({ bucket, database }: Options): Record<string, string> {
  return {
    SOFTGATE_STORE: `s3://${bucket.bucketName}?region=${Stack.of(bucket).region}`,
    // The backbone is in the package; copies of adapters are in /tmp.
    SOFTGATE_CACHE: "/var/task",
    NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
    // Resolved by CloudFormation; whoever may read the function's configuration can read it.
    ...(database && { DATABASE_URL: database.secretValue.unsafeUnwrap() }),
  };
}

/** Its own role, without managed policies: the store, and lines into its log. */
function addRole(scope: Construct, { bucket, logGroup }: Options & { readonly logGroup: LogGroup }): Role {
  const role = new Role(scope, "ApiRole", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  allowStore(role, bucket);
  role.addToPolicy(
    new PolicyStatement({
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    }),
  );
  return role;
}
