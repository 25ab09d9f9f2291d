import fc from "fast-check";
import { expect, it } from "vitest";
import { parseTenantId } from "./registry.ts";
import { tenantSessionPolicy } from "./tenant-session-policy.ts";

it("allows a tenant's own objects, a list of these, and the layout's number: nothing else", () => {
  const location = { bucket: "models", prefix: "prod/eu/" };
  expect(tenantSessionPolicy(location, parseTenantId("acme"))).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TenantObjects",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        Resource: ["arn:aws:s3:::models/prod/eu/tenants/acme/*"],
      },
      {
        Sid: "TenantList",
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: ["arn:aws:s3:::models"],
        Condition: { StringLike: { "s3:prefix": ["prod/eu/tenants/acme/*"] } },
      },
      {
        Sid: "LayoutNumber",
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: ["arn:aws:s3:::models/prod/eu/layout.json"],
      },
    ],
  });
});

it("names the bucket itself where the store has no prefix", () => {
  const text = JSON.stringify(tenantSessionPolicy({ bucket: "models", prefix: "" }, parseTenantId("a")));
  expect(text).toContain('"arn:aws:s3:::models/tenants/a/*"');
  expect(text).toContain('"arn:aws:s3:::models/layout.json"');
});

it("of whatever tenant has one pattern alone, at the end of the tenant's folder", () => {
  const names = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/).filter((name) => !name.includes(".."));
  fc.assert(
    fc.property(names, (name) => {
      const policy = tenantSessionPolicy({ bucket: "models", prefix: "" }, parseTenantId(name));
      const patterns = JSON.stringify(policy).match(/[^"]*[*?$][^"]*/g);
      expect(patterns).toEqual([`arn:aws:s3:::models/tenants/${name}/*`, `tenants/${name}/*`]);
      // What STS takes.
      expect(JSON.stringify(policy).length).toBeLessThan(2_048);
    }),
  );
});
