// softgate report: what the training of a published version says of itself, in words, as JSON or as a page.
import { Command } from "commander";
import { parseAdapterReference, parseTenantId, type ResolvedAdapter } from "#registry";
import { parseReport, type ReportPage } from "#trainer/report";
import { describeReport } from "../describe-report.ts";
import type { Io } from "../io.ts";
import { withRegistry } from "../open-registry.ts";
import { type TenantOptions, withPlaceOptions } from "../options.ts";
import { json } from "../output.ts";
import { createClient } from "../remote/client.ts";
import { readReportPage, versionOf } from "../remote/report-page.ts";
import { requireReportFile, writeReport } from "../write-report.ts";

interface ReportOptions extends TenantOptions {
  readonly html?: string;
}

export function reportCommand(io: Io): Command {
  return withPlaceOptions(new Command("report"), io)
    .description("what the training of an adapter told: figures, advice, plots")
    .argument("<id>", "NAME, NAME@ALIAS or NAME:VERSION")
    .option("--html <file>", "write it as a page with plots, which needs nothing else to be read")
    .addHelpText("after", HELP)
    .action((id: string, options: ReportOptions) => report(id, options, io));
}

async function report(id: string, options: ReportOptions, io: Io): Promise<void> {
  const { html } = options;
  if (html !== undefined) requireReportFile(html, [".html"]);
  const page = await findReport(id, options, io);
  if (html !== undefined) await writeReport(html, page);
  if (options.json) return io.stdout(json(page));
  const written = html === undefined ? "" : `\nWritten to ${html}.\n`;
  const rowsOf = page.report.heldOut.from === "validation_file" ? "the validation file" : "the training file";
  io.stdout(`${page.name}:${page.version}\n${describeReport(page.report, rowsOf)}${written}`);
}

async function findReport(id: string, options: ReportOptions, io: Io): Promise<ReportPage> {
  const reference = parseAdapterReference(id);
  if (options.remote) {
    const client = createClient(options.remote, io.signal);
    const version = await versionOf(client, reference);
    return readReportPage(client, { name: reference.name, version });
  }
  const tenant = parseTenantId(options.tenant);
  return reportPageOf(await withRegistry(options.store, (registry) => registry.resolve(tenant, reference)));
}

/** Throws TrainerError report_not_found. */
export function reportPageOf({ name, version, digest, manifest }: ResolvedAdapter): ReportPage {
  const { createdAt, backbone } = manifest;
  return {
    ...{ name, version, digest, createdAt, backbone: backbone.id },
    report: parseReport(manifest.report),
  };
}

const HELP = `
Examples:
  $ softgate report tickets                            in words
  $ softgate report tickets:2 --html report.html       a page to open in a browser, or to print
  $ softgate report tickets@staging --json             everything that was kept
`;
