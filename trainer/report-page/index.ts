// The light door of the report: the stored JSON as a report, and the report as a page. No native code behind it.
export { describeDevice } from "../device/describe-device.ts";
export { parseReport, reportSchema, warningSchema } from "./parse-report.ts";
export { type ReportPage, renderReportPage } from "./render-report-page.ts";
export { REPORT_PAGE_POLICY } from "./style.ts";
