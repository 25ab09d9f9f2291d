// Trainers as jobs of AWS Batch: softgate worker takes trainings from Postgres. Instances are started for jobs and ended
// after them, at spot prices; a training whose instance is taken away is begun again.
import { Duration, RemovalPolicy, Size, Stack, Validations } from "aws-cdk-lib";
import {
  AllocationStrategy,
  Secret as BatchSecret,
  EcsEc2ContainerDefinition,
  EcsJobDefinition,
  EcsMachineImageType,
  EcsVolume,
  JobQueue,
  ManagedEc2EcsComputeEnvironment,
} from "aws-cdk-lib/aws-batch";
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InstanceClass,
  InstanceSize,
  InstanceType,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { ContainerImage, LogDriver } from "aws-cdk-lib/aws-ecs";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { accept, allowStore } from "./store.ts";

export interface Trainer {
  readonly queue: JobQueue;
  readonly definition: EcsJobDefinition;
}

interface Options {
  readonly image: string;
  readonly gpus: number;
  readonly bucket: Bucket;
  readonly database: ISecret;
}

const CPUS = 4;
/** A training on the default backbone takes less than 2 GB; a g5.xlarge has 16. */
const MEMORY = Size.gibibytes(12);
const CPUS_MAX = 32;
const ATTEMPTS = 3;
const TIMEOUT = Duration.hours(6);

export function addTrainer(scope: Construct, options: Options): Trainer {
  const definition = addDefinition(scope, options);
  const environment = new ManagedEc2EcsComputeEnvironment(scope, "TrainerMachines", {
    vpc: addNetwork(scope),
    vpcSubnets: { subnetType: SubnetType.PUBLIC },
    spot: true,
    allocationStrategy: AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
    minvCpus: 0,
    maxvCpus: CPUS_MAX,
    useOptimalInstanceClasses: false,
    ...machinesOf(options.gpus),
  });
  accept(environment, {
    finding:
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
    reason: "What AWS asks the machines of Batch to have; trainers have a role of their own.",
  });
  const queue = new JobQueue(scope, "TrainerQueue", {
    computeEnvironments: [{ computeEnvironment: environment, order: 1 }],
  });
  return { queue, definition };
}

function machinesOf(gpus: number) {
  if (gpus === 0) return { instanceTypes: [InstanceType.of(InstanceClass.C7I, InstanceSize.XLARGE2)] };
  return {
    instanceTypes: [InstanceType.of(InstanceClass.G5, InstanceSize.XLARGE2)],
    images: [{ imageType: EcsMachineImageType.ECS_AL2023_NVIDIA }],
  };
}

/** Out to anywhere, in from nowhere: no NAT to pay for, and the store is reached inside AWS. */
function addNetwork(scope: Construct): Vpc {
  const vpc = new Vpc(scope, "TrainerNetwork", {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: "trainers", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: true }],
    gatewayEndpoints: { store: { service: GatewayVpcEndpointAwsService.S3 } },
  });
  const logGroup = new LogGroup(scope, "TrainerNetworkLogs", {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  vpc.addFlowLog("Flows", { destination: FlowLogDestination.toCloudWatchLogs(logGroup) });
  return vpc;
}

function addDefinition(scope: Construct, { image, gpus, bucket, database }: Options): EcsJobDefinition {
  const logGroup = new LogGroup(scope, "TrainerLogs", {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const container = new EcsEc2ContainerDefinition(scope, "TrainerContainer", {
    image: ContainerImage.fromRegistry(image),
    cpu: CPUS,
    memory: MEMORY,
    ...(gpus > 0 && { gpu: gpus }),
    command: ["worker"],
    environment: { SOFTGATE_STORE: `s3://${bucket.bucketName}?region=${Stack.of(bucket).region}` },
    secrets: { DATABASE_URL: BatchSecret.fromSecretsManager(database) },
    jobRole: addJobRole(scope, bucket),
    executionRole: addExecutionRole(scope, { image, logGroup }),
    readonlyRootFilesystem: true,
    volumes: [EcsVolume.host({ name: "scratch", containerPath: "/tmp" })],
    logging: LogDriver.awsLogs({ logGroup, streamPrefix: "trainer" }),
  });
  Validations.of(container).acknowledge({
    id: "Annotation::@aws-cdk/aws-ecs:ecrImageRequiresPolicy",
    reason: "The role that starts it has the policy, for the one repository.",
  });
  return new EcsJobDefinition(scope, "TrainerDefinition", {
    container,
    retryAttempts: ATTEMPTS,
    timeout: TIMEOUT,
  });
}

/** What the trainer itself may do: the store, nothing else. */
function addJobRole(scope: Construct, bucket: Bucket): Role {
  const role = new Role(scope, "TrainerRole", { assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com") });
  allowStore(role, bucket);
  return role;
}

/** What starts it: its log, its image; the secret is added where it is used. */
function addExecutionRole(
  scope: Construct,
  { image, logGroup }: { readonly image: string; readonly logGroup: LogGroup },
): Role {
  const role = new Role(scope, "TrainerStartRole", {
    assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
  });
  role.addToPolicy(
    new PolicyStatement({
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    }),
  );
  const [, account, region, name] =
    /^(\d{12})\.dkr\.ecr\.([\w-]+)\.amazonaws\.com\/([^:@]+)/.exec(image) ?? [];
  if (name === undefined) return role;
  role.addToPolicy(
    new PolicyStatement({
      actions: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      resources: [`arn:${Stack.of(scope).partition}:ecr:${region}:${account}:repository/${name}`],
    }),
  );
  role.addToPolicy(new PolicyStatement({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] }));
  accept(role, { finding: "AwsSolutions-IAM5[Resource::*]", reason: "This action knows no resource." });
  return role;
}
