// A report as a file: a page of HTML or JSON, by the name of the file.
import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { type ReportPage, renderReportPage } from "#trainer/report";
import { CliError } from "./errors.ts";
import { json } from "./output.ts";

export const REPORT_EXTENSIONS = [".html", ".json"] as const;

/** Throws CliError bad_usage, before anything takes time. */
export function requireReportFile(path: string, extensions: readonly string[] = REPORT_EXTENSIONS): void {
  if (extensions.includes(extname(path).toLowerCase())) return;
  throw new CliError("bad_usage", `${path}: name the report's file ${extensions.join(" or ")}.`);
}

/** Throws CliError file_unreadable. */
export async function writeReport(path: string, page: ReportPage): Promise<void> {
  const content = extname(path).toLowerCase() === ".html" ? renderReportPage(page) : json(page);
  try {
    await writeFile(path, content);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${path} cannot be written (${reason}).`, cause);
  }
}
