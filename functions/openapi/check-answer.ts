// For tests: whether an answer is one that its route's operation describes: status, media type, body to the last
// member, and the code of a problem.
import { statusByCode } from "../status-by-code.ts";
import { errorCodesOf, hasTag, type Route } from "./create-document.ts";
import { type Answer, jsonAnswer } from "./operation.ts";
import { operations } from "./operations.ts";

/** Throws where it is not. Of a path that no route has, and a method that it does not take, nothing is checked. */
export async function checkAnswer(method: string, path: string, answer: Response): Promise<void> {
  const route = findRoute(method === "HEAD" ? "GET" : method, path);
  if (!route) return;
  const { path: pattern, operation } = route;
  const body = method === "HEAD" ? undefined : answer;
  const mediaType = answer.headers.get("content-type")?.split(";", 1)[0] ?? "";
  const fail = (what: string) => new Error(`${pattern} answered ${what}, which its operation does not say`);
  if (answer.headers.get("x-request-id") === null) throw fail("without a request id");
  if (mediaType === "application/problem+json") {
    const { code = "" } = body ? ((await body.json()) as { code?: string }) : {};
    const codes: readonly string[] = errorCodesOf(route);
    if (body && !codes.includes(code)) throw fail(`${answer.status} ${code}`);
    if (!codes.some((one) => statusOf(one) === answer.status)) throw fail(`${answer.status}`);
    return;
  }
  if (answer.status === 304 && hasTag(route)) return;
  const described = operation.answers[answer.status] ?? describedError(route, answer.status);
  if (!described) throw fail(`${answer.status}`);
  if (!described.content && mediaType === "") return;
  const schema = described.content?.[mediaType];
  if (!schema) throw fail(`${answer.status} as "${mediaType}"`);
  if (!body || mediaType !== "application/json" || answer.headers.has("content-encoding")) return;
  const parsed = schema.safeParse(await body.json());
  if (!parsed.success) throw fail(`${answer.status} with another body: ${parsed.error.message}`);
}

function describedError(route: Route, status: number): Answer | undefined {
  const { errorForm } = route.operation;
  const statuses = errorCodesOf(route).map((code) => errorForm?.statusOf(statusByCode[code]));
  return errorForm && statuses.includes(status) ? jsonAnswer("an error", errorForm.schema) : undefined;
}

function findRoute(method: string, path: string): Route | undefined {
  for (const [route, operation] of Object.entries(operations)) {
    const [routeMethod, pattern = ""] = route.split(" ");
    if (routeMethod === method && patternOf(pattern).test(path)) return { method, path: pattern, operation };
  }
  return undefined;
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`);
}

function statusOf(code: string): number | undefined {
  return new Map<string, number>(Object.entries(statusByCode)).get(code);
}
