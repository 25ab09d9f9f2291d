// softgate doctor: does everything here work that Softgate needs, and if not, what to do?
import { Command } from "commander";
import { checkDatabase } from "../doctor/check-database.ts";
import {
  checkBackbone,
  checkCacheFolder,
  checkMemory,
  checkPort,
  checkVersions,
} from "../doctor/check-machine.ts";
import { serverChecks } from "../doctor/check-server.ts";
import { isThere, storeChecks } from "../doctor/check-store.ts";
import { type Check, type Finding, runCheck, warning } from "../doctor/finding.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { backboneOption, type StoreOptions, wholeNumber, withStore } from "../options.ts";
import { json } from "../output.ts";
import { withServer } from "../remote/server.ts";

interface DoctorOptions extends StoreOptions {
  readonly backbone: string;
  readonly port: number;
  readonly host: string;
}

export function doctorCommand(io: Io): Command {
  return withServer(withStore(new Command("doctor"), io))
    .description("check store, database, backbone, port, clocks and permissions, or a server; say what to do")
    .option("--port <port>", "that a server here would take", wholeNumber(1, 65_535), 8080)
    .option("--host <address>", "that it would listen on", "127.0.0.1")
    .addOption(backboneOption())
    .action(async (options: DoctorOptions) => {
      const findings: Finding[] = [];
      for (const check of await checksOf(options, io)) {
        const finding = await runCheck(check, remedyOf(check.name));
        findings.push(finding);
        if (!options.json) io.stdout(lineOf(finding));
      }
      const problems = findings.filter(({ state }) => state === "problem").length;
      if (options.json) io.stdout(json({ problems, checks: findings }));
      if (problems > 0)
        throw new CliError("problems_found", `${problems} of ${findings.length} checks failed.`);
    });
}

async function checksOf(options: DoctorOptions, io: Io): Promise<readonly Check[]> {
  if (options.remote) return [checkVersions, ...serverChecks(options.remote)];
  const { store, backbone, port, host } = options;
  const ofStore = (await isThere(store)) ? storeChecks(store) : [nothingYet(store)];
  const databaseUrl = io.env.DATABASE_URL;
  return [
    ...[checkVersions, checkMemory, checkCacheFolder, ...ofStore],
    ...(databaseUrl ? [checkDatabase(databaseUrl)] : []),
    ...[checkBackbone(backbone), checkPort({ host, port })],
  ];
}

/** Looking must not make a folder. */
function nothingYet(store: string): Check {
  return { name: "store", run: async () => warning(`${store} is not there yet`, "softgate init makes it.") };
}

function remedyOf(name: string): string {
  switch (name) {
    case "store":
    case "clock":
    case "keys":
      return "Check the store's URL, its credentials and that it runs; SOFTGATE_DEBUG=1 tells more.";
    case "backbone":
      return "Pull it again: softgate backbone pull.";
    default:
      return "Do what the message says.";
  }
}

function lineOf({ name, state, detail, remedy }: Finding): string {
  const todo = remedy === undefined ? "" : `         ${remedy}\n`;
  return `${state.padEnd(8)} ${name}: ${detail}\n${todo}`;
}
