// Short-lived credentials for one tenant's part of a bucket: AWS STS assumes a role with the tenant's session policy.
// The only file that knows STS. MinIO answers the same call.
import { RegistryError } from "../errors.ts";
import type { TenantId } from "../registry.ts";
import { tenantSessionPolicy } from "../tenant-session-policy.ts";
import { codeOf, isRefusal, statusOf } from "./s3-errors.ts";
import { parseS3Url, regionOf } from "./s3-url.ts";

export interface TenantCredentialsRequest {
  /** s3://BUCKET/PREFIX?…, as everywhere. */
  readonly storeUrl: string;
  readonly tenant: TenantId;
  /** Of a role that the credentials of this process may assume, and that may do what the policy says. */
  readonly roleArn: string;
  /** From 900 to what the role allows. Default an hour, which every role allows. */
  readonly durationSeconds?: number;
  /** Default: that of AWS in the store's region. */
  readonly stsEndpoint?: string;
}

/** What the AWS variables take. */
export interface TenantCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: string;
}

const DURATION_SECONDS_DEFAULT = 3_600;
const SESSION_NAME_LENGTH_MAX = 64;
const CONNECT_MS_MAX = 3_000;
const REQUEST_MS_MAX = 10_000;
const ATTEMPTS_MAX = 3;

/** Throws invalid_store_url, store_refused, store_unreachable. */
export async function createTenantCredentials(request: TenantCredentialsRequest): Promise<TenantCredentials> {
  const { tenant, roleArn, stsEndpoint, durationSeconds = DURATION_SECONDS_DEFAULT } = request;
  const location = parseS3Url(request.storeUrl);
  // Loaded late: most processes ask for no credentials.
  const { AssumeRoleCommand, STSClient } = await import("@aws-sdk/client-sts");
  const client = new STSClient({
    region: regionOf(location),
    ...(stsEndpoint !== undefined && { endpoint: stsEndpoint }),
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
    },
  });
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    // In CloudTrail beside each request.
    RoleSessionName: `softgate-${tenant}`.slice(0, SESSION_NAME_LENGTH_MAX),
    DurationSeconds: durationSeconds,
    Policy: JSON.stringify(tenantSessionPolicy(location, tenant)),
  });
  try {
    const { Credentials } = await client.send(command);
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
      throw new Error("invariant: STS has assumed a role and sent no credentials");
    }
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiresAt: Expiration.toISOString(),
    };
  } catch (error) {
    throw stsErrorOf(error);
  } finally {
    client.destroy();
  }
}

/** In our own words: the server's may hold an access key's id. */
function stsErrorOf(error: unknown): unknown {
  if (!(error instanceof Error) || error.message.startsWith("invariant:")) return error;
  const code = codeOf(error);
  const cause = new Error(`STS: ${code} (status ${statusOf(error) ?? "none"})`);
  if (isRefusal(error)) {
    return new RegistryError(
      "store_refused",
      `AWS STS refused to assume the role (${code}). These credentials need sts:AssumeRole on it, its trust policy must name them, and its longest session must be no shorter than asked for.`,
      cause,
    );
  }
  const message = `AWS STS does not answer (${code}): check the network, and the region in the store's URL.`;
  return new RegistryError("store_unreachable", message, cause);
}
