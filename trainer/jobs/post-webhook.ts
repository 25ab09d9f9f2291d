// One POST to a URL that a tenant has named. Nothing of the server's own network is reached by it: the address that is
// connected to is the one that was checked, whatever a name resolves to the next time, and no redirect is followed.
import { type LookupAddress, lookup } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { TrainerError } from "../errors.ts";

/** From the first look-up to the answer's head. */
const POST_MS_MAX = 10_000;
export const WEBHOOK_URL_CHARACTERS_MAX = 2_000;

/** Of what is seen of a URL without looking up its name. Throws webhook_url_refused. */
export function requirePublicUrl(given: string, allowsPrivate: boolean): void {
  const url = given.length <= WEBHOOK_URL_CHARACTERS_MAX ? URL.parse(given) : null;
  const refused = (message: string) => new TrainerError("webhook_url_refused", message);
  if (!url) throw refused(`A webhook's URL is one of at most ${WEBHOOK_URL_CHARACTERS_MAX} characters.`);
  if (url.username || url.password) throw refused("A webhook's URL holds no user and no password.");
  const protocols = allowsPrivate ? ["https:", "http:"] : ["https:"];
  if (!protocols.includes(url.protocol)) throw refused("A webhook's URL begins with https://.");
  if (!allowsPrivate && isAddress(url.hostname) && !isPublic(hostOf(url))) throw refused(PRIVATE);
}

/** Answers the status. Rejects where the address is not public, and where none answers in time. */
export function postJson(
  given: string,
  options: { body: string; headers: Record<string, string>; allowsPrivate: boolean },
): Promise<number> {
  const { body, headers, allowsPrivate } = options;
  const url = new URL(given);
  return new Promise((resolve, reject) => {
    // Of an address no name is looked up.
    if (!allowsPrivate && isAddress(url.hostname) && !isPublic(hostOf(url)))
      return reject(new Error(PRIVATE));
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const sent = request(
      url,
      {
        method: "POST",
        headers: {
          ...headers,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(body),
          "User-Agent": "softgate-webhooks",
        },
        agent: false,
        signal: AbortSignal.timeout(POST_MS_MAX),
        ...(!allowsPrivate && { lookup: lookupPublic }),
      },
      (answer) => {
        resolve(answer.statusCode ?? 0);
        // What it says is of no use.
        answer.destroy();
      },
    );
    sent.on("error", (error) => reject(new Error(reasonOf(error))));
    sent.end(body);
  });
}

const PRIVATE = "The webhook's address is none of the public network.";
const LATE = `The webhook did not answer within ${POST_MS_MAX / 1_000} seconds.`;

/** For logs: Node's own messages say the host, which a tenant named. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.name === "AbortError") return LATE;
  return error.code === undefined ? error.message : `The webhook could not be reached: ${error.code}.`;
}

/** As node:dns does, without addresses that are not public; an error where none is left. */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, "");
    const allowed = addresses.filter(({ address }) => isPublic(address));
    const [first] = allowed;
    if (!first) return callback(new Error(PRIVATE), "");
    if (options.all) return callback(null, allowed);
    callback(null, first.address, first.family);
  });
};

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function isAddress(hostname: string): boolean {
  return ipaddr.isValid(hostname.replace(/^\[|\]$/g, ""));
}

/** "unicast" is what is in no range that is set apart: private, loopback, link-local, mapped and so on. */
export function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === "unicast";
}
