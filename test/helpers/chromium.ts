// Chromium for tests of what runs in web pages. `npm test` names it in SOFTGATE_CHROMIUM; without that it is looked for, or
// unpacked, here. Where none can be had tests are skipped, but never in CI.
import { type Browser, chromium } from "playwright-core";

const bootstrap = new URL("../../infra/bootstrap/chromium.mjs", import.meta.url).href;

/** The path of a program, or undefined. May install for half a minute. */
export async function findChromium(): Promise<string | undefined> {
  const known = process.env.SOFTGATE_CHROMIUM;
  if (known !== undefined) return known || undefined;
  const { findChromium: find }: { findChromium: () => Promise<string | undefined> } = await import(bootstrap);
  return find();
}

/** hosts: names that are this machine to it. All it asks for besides is refused by the resolver. */
export function startChromium(executablePath: string, hosts: readonly string[] = []): Promise<Browser> {
  const rules = [...hosts.map((host) => `MAP ${host} 127.0.0.1`), "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"];
  const args = ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=${rules.join(", ")}`];
  return chromium.launch({ executablePath, headless: true, args });
}
