// While an image is built: its server is started and ended once, as the image's user. An image whose program does not start
// is none; and Node keeps what it compiled, for each user apart, which it could not on a file system that is read-only.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** "nonroot" of the image's base. */
const USER = 65_532;
const START_MS_MAX = 120_000;

const [backbone] = process.argv.slice(2);
const compiled = process.env.NODE_COMPILE_CACHE;
const place = mkdtempSync(join(tmpdir(), "softgate-"));
mkdirSync(compiled, { recursive: true });
const isRoot = process.getuid() === 0;
if (isRoot) for (const folder of [compiled, place]) chownSync(folder, USER, USER);

const places = ["--store", `file:${join(place, "store")}`, "--adapter-folder", join(place, "adapters")];
const ports = ["--port", "0", "--metrics-port", "0"];
const server = spawn(
  process.execPath,
  ["softgate.mjs", "serve", "--backbone", backbone, ...places, ...ports],
  {
    stdio: ["ignore", "pipe", "inherit"],
    ...(isRoot && { uid: USER, gid: USER }),
  },
);
const ended = once(server, "exit");
const tooLong = setTimeout(() => server.kill("SIGKILL"), START_MS_MAX);
let printed = "";
for await (const text of server.stdout.setEncoding("utf8")) {
  printed += text;
  // Its last words.
  if (printed.includes("/metrics.\n")) server.kill("SIGTERM");
}
const [code] = await ended;
clearTimeout(tooLong);
rmSync(place, { recursive: true });
process.exitCode = code === 0 && printed.includes("Serving on") ? 0 : 1;
