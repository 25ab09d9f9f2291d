// In place of the package that draws the API's reference (infra/edge/wrangler.jsonc, "alias"): its script is five times as
// large as all else of a Worker. The reference is read at a server; the document it draws, /openapi.json, is here too.

const SCRIPT =
  'document.body.append("This host has no page of the reference: read it at a Softgate server, or /openapi.json here.")';

interface Host {
  route(route: { url: string; handler(request: unknown, reply: { send(body: string): void }): void }): void;
}

/** As the package's plugin is mounted. */
export default function mountReference(host: Host, _options: unknown, done: () => void): void {
  host.route({ url: "/docs/scalar.js", handler: (_request, reply) => reply.send(SCRIPT) });
  done();
}
