import { describe, expect, it } from "vitest";
import { parseMarkup } from "../../../test/helpers/parse-markup.ts";
import { makeReport } from "../../../test/helpers/report.ts";
import { createTestApp, publishAdapter } from "../../test-app.ts";

const REPORT = makeReport(["no", "<b>yes</b>"]);

async function withReport(report: Record<string, unknown> = { ...REPORT }) {
  const test = await createTestApp();
  const published = await publishAdapter(test.registry, { name: "router", report });
  const get = (accept?: string, path = "/v1/adapters/router/versions/1/report", key = test.keys.alpha) =>
    test.send("GET", path, undefined, { key, ...(accept ? { headers: { Accept: accept } } : {}) });
  return { ...test, published, get };
}

const typeOf = (response: Response) => response.headers.get("content-type")?.split(";")[0];

describe("200", () => {
  it("is the report as it was kept, with the version it is of", async () => {
    const { get, published } = await withReport();
    const response = await get();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ...{ name: "router", version: 1, digest: published.digest, backbone: "tiny" },
      createdAt: published.manifest.createdAt,
      report: JSON.parse(JSON.stringify(REPORT)),
    });
  });

  it.each([
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["application/json", "application/json"],
    ["text/html", "text/html"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
    ["text/html;q=0.5, application/json", "application/json"],
    ["image/png", "application/json"],
  ])("Accept %s gets %s", async (accept, type) => {
    const { get } = await withReport();
    const response = await get(accept);
    expect([response.status, typeOf(response)]).toEqual([200, type]);
    expect(response.headers.get("vary")).toContain("Accept");
  });

  it("as a page is well-formed, holds the figures, and shows labels as text", async () => {
    const { get } = await withReport();
    const page = await (await get("text/html")).text();
    const { text } = parseMarkup(page);
    for (const said of ["router:1", "81.3 %", "<b>yes</b>"]) expect(text).toContain(said);
    expect(page).not.toContain("<b>");
  });

  it("as a page may load nothing, run nothing, stand in no frame and in no shared cache", async () => {
    const { headers } = await (await withReport()).get("text/html");
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; .*frame-ancestors 'none'$/,
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toMatch(/^private/);
  });
});

describe("400", () => {
  it.each(["0", "x", "1e1", "-1", "1.5"])("a version of %s is refused", async (version) => {
    const { get } = await withReport();
    const response = await get(undefined, `/v1/adapters/router/versions/${version}/report`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });
});

describe("401", () => {
  it("without a key nothing is told", async () => {
    const { app } = await withReport();
    expect((await app.request("/v1/adapters/router/versions/1/report")).status).toBe(401);
  });
});

describe("404", () => {
  it("a version without a report says so", async () => {
    const { get } = await withReport({});
    const response = await get("text/html");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "report_not_found" });
  });

  it("a version that was never made is missing", async () => {
    const { get } = await withReport();
    const response = await get(undefined, "/v1/adapters/router/versions/9/report");
    expect(await response.json()).toMatchObject({ status: 404, code: "version_not_found" });
  });

  it("another tenant's report is answered, byte by byte, like a missing one", async () => {
    const { send, keys } = await withReport();
    const empty = await createTestApp();
    const options = { headers: { "X-Request-Id": "same" } };
    const path = "/v1/adapters/router/versions/1/report";
    const others = await send("GET", path, undefined, { ...options, key: keys.beta });
    const missing = await empty.send("GET", path, undefined, { ...options, key: empty.keys.beta });
    expect(others.status).toBe(404);
    expect([...others.headers]).toEqual([...missing.headers]);
    expect(await others.text()).toBe(await missing.text());
  });
});
