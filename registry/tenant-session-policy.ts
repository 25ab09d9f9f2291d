// The IAM session policy of one tenant's part of a bucket: what credentials that are made with it may do, whatever
// the role behind them may. Keys are in layout.ts; nothing outside the tenant's prefix but the layout's number.
import { layoutKey, tenantPrefix } from "./layout.ts";
import type { S3Location } from "./object-store/s3-url.ts";
import type { TenantId } from "./registry.ts";

export interface SessionPolicy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringLike: Readonly<Record<string, readonly string[]>> };
}

/** No name of a tenant and no prefix of a store has a character that a policy reads as a pattern. */
export function tenantSessionPolicy(
  { bucket, prefix }: Pick<S3Location, "bucket" | "prefix">,
  tenant: TenantId,
): SessionPolicy {
  const own = `${prefix}${tenantPrefix(tenant)}*`;
  const bucketArn = `arn:aws:s3:::${bucket}`;
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TenantObjects",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        Resource: [`${bucketArn}/${own}`],
      },
      {
        Sid: "TenantList",
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: [bucketArn],
        Condition: { StringLike: { "s3:prefix": [own] } },
      },
      {
        Sid: "LayoutNumber",
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: [`${bucketArn}/${prefix}${layoutKey}`],
      },
    ],
  };
}
