// Whether the database of DATABASE_URL is a Postgres that answers.
import { connect } from "node:net";
import { type Check, ok, problem } from "./finding.ts";

const PORT_DEFAULT = 5432;
/** The question whether the server speaks TLS, which any Postgres answers with one letter. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Says nothing of the URL but host and port: it has a password. */
export function checkDatabase(databaseUrl: string): Check {
  return {
    name: "database",
    run: async (signal) => {
      const url = URL.parse(databaseUrl);
      if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
        return problem(
          "DATABASE_URL is no address of a Postgres",
          "Write postgres://USER:PASSWORD@HOST:5432/NAME.",
        );
      }
      const [host, port] = [url.hostname || "localhost", Number(url.port || PORT_DEFAULT)];
      const answer = await ask({ host, port }, signal).catch((error: Error) => error.message);
      if (answer === "S" || answer === "N") return ok(`a Postgres answers on ${host}:${port}`);
      return problem(`${host}:${port}: ${answer}`, "Check DATABASE_URL, and that the database runs.");
    },
  };
}

function ask(place: { host: string; port: number }, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...place, signal }, () => socket.write(SSL_REQUEST));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString("latin1", 0, 1));
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it does not speak as a Postgres does")));
  });
}
