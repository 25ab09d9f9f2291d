// Whether the database of DATABASE_URL is a Postgres that lets us in, and one that keeps jobs.
import pg from "pg";
import { type Check, ok, problem } from "./finding.ts";

/** The oldest that the job queue works on. */
const VERSION_MIN = 13;
const CONNECT_MS_MAX = 5_000;

/** Says nothing of the URL but host, port and name: it has a password. */
export function checkDatabase(databaseUrl: string): Check {
  return {
    name: "database",
    run: async () => {
      const url = URL.parse(databaseUrl);
      if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
        const remedy = "Write postgres://USER:PASSWORD@HOST:5432/NAME.";
        return problem("DATABASE_URL is no address of a Postgres", remedy);
      }
      const place = `${url.host}${url.pathname}`;
      try {
        const version = await versionOf(databaseUrl);
        const said = `Postgres ${version} lets us in at ${place}`;
        return version >= VERSION_MIN ? ok(said) : problem(said, `Use Postgres ${VERSION_MIN} or later.`);
      } catch (error) {
        const reason = error instanceof Error ? error.message || error.name : String(error);
        return problem(`${place}: ${reason}`, "Check DATABASE_URL, and that the database runs.");
      }
    },
  };
}

async function versionOf(connectionString: string): Promise<number> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: CONNECT_MS_MAX,
  });
  // Without a listener, a connection that breaks later would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>(
      "select current_setting('server_version_num') as version",
    );
    return Math.floor(Number(rows[0]?.version) / 10_000);
  } finally {
    await client.end();
  }
}
