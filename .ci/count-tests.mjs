// vitest's JSON report → one plain last line. Exits with 1 when there is no report or no test ran.
import { readFileSync } from "node:fs";

const report = readReport(process.argv[2]);
const passed = report?.numPassedTests ?? 0;
// A file that cannot be loaded has no failed test of its own.
const unloadable = (report?.testResults ?? []).filter(
  ({ status, assertionResults }) =>
    status === "failed" && assertionResults.every((result) => result.status !== "failed"),
);
const failed = report === undefined ? 1 : report.numFailedTests + unloadable.length;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
