// Checks of this machine: the program, memory, disk, the port that a server would take, and the database of its jobs.
import { mkdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, totalmem } from "node:os";
import { backboneCacheFolder, listBackbones, loadBackbone } from "#registry/backbones";
import packageJson from "../../package.json" with { type: "json" };
import { type Check, ok, problem, warning } from "./finding.ts";

const NODE_MAJOR_MIN = 24;
const GIBIBYTE = 1024 ** 3;
/** A server and one training side by side. */
const MEMORY_BYTES_ADVISED = 2 * GIBIBYTE;
const DISK_BYTES_ADVISED = GIBIBYTE;

export const checkVersions: Check = {
  name: "versions",
  run: async () => {
    const said = `softgate ${packageJson.version}, Node ${process.versions.node} on ${process.platform} ${process.arch}`;
    if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) return ok(said);
    return problem(said, `Start it with npm run softgate, which brings Node ${NODE_MAJOR_MIN}.`);
  },
};

export const checkMemory: Check = {
  name: "memory",
  run: async () => {
    const said = `${inGibibytes(totalmem())}, ${availableParallelism()} cores`;
    if (totalmem() >= MEMORY_BYTES_ADVISED) return ok(said);
    return warning(said, "A training beside a server may be ended for want of memory: 2 GiB are enough.");
  },
};

/** The folder that backbones and copies of adapters are kept in. */
export const checkCacheFolder: Check = {
  name: "cache folder",
  run: async () => {
    const folder = backboneCacheFolder();
    await mkdir(folder, { recursive: true });
    const { bavail, bsize } = await statfs(folder);
    const said = `${folder}, ${inGibibytes(bavail * bsize)} free`;
    if (bavail * bsize >= DISK_BYTES_ADVISED) return ok(said);
    return warning(said, "Make room, or name another folder in SOFTGATE_CACHE.");
  },
};

export function checkBackbone(idOrFolder: string): Check {
  return {
    name: "backbone",
    run: async () => {
      const found = (await listBackbones()).find(
        ({ id, folder }) => id === idOrFolder || folder === idOrFolder,
      );
      if (!found) {
        const remedy = `softgate backbone pull ${idOrFolder}; train and serve do it by themselves.`;
        return warning(`${idOrFolder} is not on this machine`, remedy);
      }
      const { digest } = await loadBackbone(found);
      return ok(`${found.id}, verified, ${digest.slice(0, 19)}…`);
    },
  };
}

export function checkPort({ host, port }: { host: string; port: number }): Check {
  return {
    name: "port",
    run: async (signal) => {
      const reason = await whyNotOpened({ host, port });
      if (reason === undefined) return ok(`${host}:${port} is free`);
      if (reason === "EADDRINUSE" && (await isSoftgate(`http://${host}:${port}`, signal))) {
        return ok(`a Softgate server answers on ${host}:${port}`);
      }
      const why = reason === "EADDRINUSE" ? "is in use by another program" : `cannot be opened (${reason})`;
      return problem(`${host}:${port} ${why}`, "Serve on another: softgate serve --port 8081.");
    },
  };
}

function whyNotOpened({ host, port }: { host: string; port: number }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function isSoftgate(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const about = (await (await fetch(url, { signal })).json()) as { name?: unknown };
    return about.name === "softgate";
  } catch {
    return false;
  }
}

function inGibibytes(bytes: number): string {
  return `${(bytes / GIBIBYTE).toFixed(1)} GiB`;
}
