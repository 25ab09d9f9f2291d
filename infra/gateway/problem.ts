// The gateway's own errors, in the form of the API's (RFC 9457).

export interface GatewayProblem {
  readonly status: 404 | 500 | 502 | 504;
  readonly code: "route_not_found" | "gateway_misconfigured" | "origin_unreachable" | "origin_timeout";
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
}

export function problem({ status, code, detail, instance, requestId }: GatewayProblem): Response {
  const words = code.replaceAll("_", " ");
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  const type = `/errors/${code}`;
  return new Response(JSON.stringify({ type, title, status, detail, instance, requestId, code }), {
    status,
    headers: { "Content-Type": "application/problem+json", "X-Request-Id": requestId },
  });
}
