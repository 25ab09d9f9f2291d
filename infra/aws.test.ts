// The CDK app of infra/aws, synthesized by the cdk command as a deployment does it, offline, and held to what must be true
// of the template. cdk-nag runs within the synthesis: what it finds and nobody accepted ends it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { findValidators } from "../test/helpers/validators.ts";
import { readSettings } from "./aws/settings.ts";

const FOLDER = fileURLToPath(new URL("aws", import.meta.url));
const CDK = join(FOLDER, "node_modules/aws-cdk/bin/cdk");
const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const SYNTH_MS_MAX = 300_000;
const SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:softgate-AbCdEf";
const IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/softgate:1";
const validators = await findValidators();

const templateSchema = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.any().default({}) })),
});

describe.skipIf(!existsSync(CDK))("the stack", () => {
  let place: string;
  let full: Template;
  let bare: Template;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "softgate-aws-"));
    await mkdir(join(place, "function"));
    await writeFile(join(place, "function", "index.mjs"), "");
    bare = await synth("bare");
    full = await synth("full", {
      ...{ databaseSecretArn: SECRET, trainerImage: IMAGE, alarmEmail: "ops@example.com" },
      ...{ provisionedConcurrency: "2", concurrencyMax: "50" },
    });
  }, SYNTH_MS_MAX);
  afterAll(() => rm(place, { recursive: true, force: true }));

  /** Rejects with what the command printed, when it ends with another status than 0. */
  async function synth(name: string, settings: Record<string, string> = {}): Promise<Template> {
    const out = join(place, name);
    const context = Object.entries({ functionFolder: join(place, "function"), ...settings });
    await promisify(execFile)(
      process.execPath,
      [
        CDK,
        "synth",
        "--quiet",
        "--no-notices",
        "-o",
        out,
        ...context.flatMap(([key, value]) => ["-c", `${key}=${value}`]),
      ],
      { cwd: FOLDER, env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: "true", CI: "true" } },
    );
    const file = join(out, "Softgate.template.json");
    return new Template(file, templateSchema.parse(JSON.parse(await readFile(file, "utf8"))).Resources);
  }

  it("is written in right types", { timeout: SYNTH_MS_MAX }, async () => {
    await promisify(execFile)(process.execPath, [TSC, "-p", FOLDER]);
  });

  it.skipIf(validators === undefined)(
    "is a template that CloudFormation takes, by cfn-lint",
    { timeout: SYNTH_MS_MAX },
    async () => {
      await validators?.lintTemplates([bare.file, full.file]);
    },
  );

  it("keeps what is stored encrypted, in versions, to itself, and takes no request without TLS", () => {
    for (const { BucketEncryption, PublicAccessBlockConfiguration } of bare.all("AWS::S3::Bucket")) {
      const [rule] = BucketEncryption.ServerSideEncryptionConfiguration;
      expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe("AES256");
      expect(Object.values(PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    }
    const store = bare.all("AWS::S3::Bucket").find(({ VersioningConfiguration }) => VersioningConfiguration);
    expect(store?.VersioningConfiguration).toEqual({ Status: "Enabled" });
    const policies = bare.all("AWS::S3::BucketPolicy").map(({ PolicyDocument }) => PolicyDocument.Statement);
    expect(policies).toHaveLength(2);
    for (const statements of policies) {
      expect(statements).toContainEqual(
        expect.objectContaining({
          Effect: "Deny",
          Action: "s3:*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      );
    }
  });

  it("gives the function and the trainer a role each, which may do what they do and nothing else", () => {
    const roles = ["ApiRole", "TrainerRole", "TrainerStartRole"];
    const actionsOf = (role: string) =>
      full
        .statementsOf(role)
        .flatMap(({ Action }) => Action)
        .sort();
    const store = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"];
    expect(actionsOf("ApiRole")).toEqual(["logs:CreateLogStream", "logs:PutLogEvents", ...store]);
    expect(actionsOf("TrainerRole")).toEqual(store);
    expect(roles.flatMap(actionsOf).filter((action) => action.includes("*"))).toEqual([]);
    const everywhere = roles
      .flatMap((role) => full.statementsOf(role))
      .filter(({ Resource }) => Resource === "*");
    expect(everywhere.map(({ Action }) => Action)).toEqual(["ecr:GetAuthorizationToken"]);
  });

  it("runs the function on arm64 from its store, and streams", () => {
    const [api] = bare.all("AWS::Lambda::Function");
    expect(api).toMatchObject({
      ...{ Architectures: ["arm64"], Runtime: "nodejs24.x", Handler: "index.streamHandler" },
      ...{ MemorySize: 1769, Timeout: 60 },
      Environment: { Variables: { SOFTGATE_CACHE: "/var/task", SOFTGATE_STORE: expect.anything() } },
    });
    expect(api?.Environment.Variables).not.toHaveProperty("DATABASE_URL");
    expect(bare.all("AWS::Lambda::Url")).toMatchObject([{ InvokeMode: "RESPONSE_STREAM" }]);
    expect(bare.all("AWS::Batch::JobDefinition")).toEqual([]);
  });

  it("keeps instances started where that is asked for", () => {
    const [alias] = full.all("AWS::Lambda::Alias");
    expect(alias?.ProvisionedConcurrencyConfig).toEqual({ ProvisionedConcurrentExecutions: 2 });
    expect(bare.all("AWS::Lambda::Alias")[0]).not.toHaveProperty("ProvisionedConcurrencyConfig");
    expect(full.all("AWS::Lambda::Function")[0]?.ReservedConcurrentExecutions).toBe(50);
  });

  it("hands trainings over by Postgres to a trainer with a GPU, whose file system is read-only", () => {
    const [definition] = full.all("AWS::Batch::JobDefinition");
    expect(definition?.ContainerProperties).toMatchObject({
      ...{ Command: ["worker"], ReadonlyRootFilesystem: true },
      ResourceRequirements: expect.arrayContaining([{ Type: "GPU", Value: "1" }]),
      Secrets: [{ Name: "DATABASE_URL", ValueFrom: SECRET }],
    });
    expect(JSON.stringify(full.all("AWS::Lambda::Function")[0]?.Environment)).toContain(
      `{{resolve:secretsmanager:${SECRET}:SecretString`,
    );
    expect(JSON.stringify(full.all("AWS::Batch::ComputeEnvironment"))).toContain("ECS_AL2023_NVIDIA");
  });

  it("tells somebody when something fails, and shows it", () => {
    const alarms = full.all("AWS::CloudWatch::Alarm");
    expect(alarms).toHaveLength(5);
    for (const { AlarmActions } of alarms) expect(AlarmActions).toHaveLength(1);
    expect(full.all("AWS::SNS::Subscription")).toMatchObject([
      { Protocol: "email", Endpoint: "ops@example.com" },
    ]);
    expect(full.all("AWS::Events::Rule")).toHaveLength(1);
    expect(bare.all("AWS::CloudWatch::Dashboard")).toHaveLength(1);
  });
});

it.each([
  [{ memoryMegabytes: "lots" }, "-c memoryMegabytes= must be a whole number from 512 to 10240."],
  [{ trainerImage: IMAGE }, "-c trainerImage= needs -c databaseSecretArn="],
])("a setting that is wrong is named: %o", (settings: Record<string, string>, words) => {
  expect(() => readSettings((name) => settings[name])).toThrow(words);
});

// A template is JSON of AWS's making: what is not there is undefined, and a test that reads it fails.
// biome-ignore lint/suspicious/noExplicitAny: said above
type Properties = Record<string, any>;

class Template {
  readonly file: string;
  readonly #resources: z.infer<typeof templateSchema>["Resources"];

  constructor(file: string, resources: z.infer<typeof templateSchema>["Resources"]) {
    this.file = file;
    this.#resources = resources;
  }

  all(type: string): Properties[] {
    const found = Object.values(this.#resources).filter(({ Type }) => Type === type);
    return found.map(({ Properties }) => Properties);
  }

  /** Of the policies of the role whose name begins so. */
  statementsOf(role: string): Properties[] {
    const isOf = ({ Roles }: Properties) =>
      Roles.some(({ Ref }: { Ref: string }) => new RegExp(`^${role}[0-9A-F]{8}$`).test(Ref));
    return this.all("AWS::IAM::Policy")
      .filter(isOf)
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  }
}
