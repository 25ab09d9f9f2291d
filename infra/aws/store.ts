// The bucket of datasets, adapters and keys. It outlives the stack.
import { type CfnElement, Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** What is overwritten or deleted can be had again for so long: as long as Softgate's own restore. */
const EARLIER_KEPT = Duration.days(30);
const ACCESS_LOGS_KEPT = Duration.days(90);

export function addStore(scope: Construct): Bucket {
  const common = {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    removalPolicy: RemovalPolicy.RETAIN,
  };
  const logs = new Bucket(scope, "StoreLogs", {
    ...common,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [{ expiration: ACCESS_LOGS_KEPT }],
  });
  return new Bucket(scope, "Store", {
    ...common,
    versioned: true,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    serverAccessLogsBucket: logs,
    serverAccessLogsPrefix: "store/",
    lifecycleRules: [
      {
        noncurrentVersionExpiration: EARLIER_KEPT,
        abortIncompleteMultipartUploadAfter: Duration.days(1),
        expiredObjectDeleteMarker: true,
      },
    ],
  });
}

/** The four permissions that a store asks for, and no others. */
export function allowStore(role: Role, bucket: Bucket): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      resources: [bucket.arnForObjects("*")],
    }),
  );
  role.addToPolicy(new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }));
  const name = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement); // As every L2 has one.
  accept(role, {
    finding: `AwsSolutions-IAM5[Resource::<${name}.Arn>/*]`,
    reason: "Tenants' keys lie under one prefix each; one role serves them all.",
  });
}

/** What cdk-nag finds and is meant so. */
export function accept(construct: Construct, { finding, reason }: { finding: string; reason: string }): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions::${finding}`, reason });
}
