import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { parseTenantId } from "../registry.ts";
import { tenantSessionPolicy } from "../tenant-session-policy.ts";
import { createTenantCredentials } from "./sts.ts";

const acme = parseTenantId("acme");
const ROLE = "arn:aws:iam::123456789012:role/softgate-tenant";
const SECRET = "hunter2secret";

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATESTKEY");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", SECRET);
});

interface Asked {
  readonly authorization: string;
  readonly form: Record<string, string>;
}

/** Answers as STS does, and keeps what it was asked. */
async function startSts(answer: { status: number; body: string }) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await textOf(request)));
    asked.push({ authorization: request.headers.authorization ?? "", form });
    response.writeHead(answer.status, { "Content-Type": "text/xml" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { asked, stsEndpoint: `http://127.0.0.1:${port}` };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

const NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';
const GRANTED = `<AssumeRoleResponse ${NAMESPACE}><AssumeRoleResult>
  <AssumedRoleUser><AssumedRoleId>AROA:softgate-acme</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
  <Credentials><AccessKeyId>ASIATEMP</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey>
  <SessionToken>token</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>
  </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>`;

const refusal = (code: string, words: string) =>
  `<ErrorResponse ${NAMESPACE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${words}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;

const storeUrl = "s3://models/prod?region=eu-central-1";

describe("credentials of a tenant", () => {
  it("are those of the role, bound by the tenant's policy, for an hour", async () => {
    const { asked, stsEndpoint } = await startSts({ status: 200, body: GRANTED });
    const request = { storeUrl, tenant: acme, roleArn: ROLE, stsEndpoint };
    expect(await createTenantCredentials(request)).toEqual({
      accessKeyId: "ASIATEMP",
      secretAccessKey: "temporary",
      sessionToken: "token",
      expiresAt: "2026-01-01T01:00:00.000Z",
    });
    expect(asked).toHaveLength(1);
    const { Policy, ...form } = asked[0]?.form ?? {};
    expect(form).toEqual({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: ROLE,
      RoleSessionName: "softgate-acme",
      DurationSeconds: "3600",
    });
    expect(JSON.parse(Policy ?? "")).toEqual(
      tenantSessionPolicy({ bucket: "models", prefix: "prod/" }, acme),
    );
    expect(asked[0]?.authorization).toMatch(/Credential=AKIATESTKEY\/\d{8}\/eu-central-1\/sts\/aws4_request/);
  });

  it("last as long as asked for, under a name that STS takes, however long the tenant's is", async () => {
    const { asked, stsEndpoint } = await startSts({ status: 200, body: GRANTED });
    const tenant = parseTenantId("t".repeat(64));
    await createTenantCredentials({ storeUrl, tenant, roleArn: ROLE, durationSeconds: 900, stsEndpoint });
    expect(asked[0]?.form).toMatchObject({ DurationSeconds: "900" });
    expect(asked[0]?.form.RoleSessionName).toMatch(/^softgate-t{55}$/);
  });

  it("that are refused are told with what to do, and with no credential and no word of the server", async () => {
    const body = refusal("AccessDenied", "User AKIATESTKEY is not authorized");
    const { asked, stsEndpoint } = await startSts({ status: 403, body });
    const request = { storeUrl, tenant: acme, roleArn: ROLE, stsEndpoint };
    const error = await createTenantCredentials(request).catch((caught: Error) => caught);
    expect(error).toMatchObject({
      code: "store_refused",
      publicMessage: expect.stringMatching(/AccessDenied.*sts:AssumeRole/),
    });
    expect(`${error} ${JSON.stringify(error)} ${(error as Error).cause}`).not.toMatch(
      /AKIATESTKEY|hunter2secret|authorized/,
    );
    expect(asked).toHaveLength(1);
  });

  it("where nobody answers are unreachable, and of what is no bucket are not asked for", async () => {
    const request = { storeUrl, tenant: acme, roleArn: ROLE, stsEndpoint: "http://127.0.0.1:9" };
    await expect(createTenantCredentials(request)).rejects.toMatchObject({
      code: "store_unreachable",
      publicMessage: expect.stringContaining("ECONNREFUSED"),
    });
    const folder = { ...request, storeUrl: "file:.softgate" };
    await expect(createTenantCredentials(folder)).rejects.toMatchObject({ code: "invalid_store_url" });
  });
});
