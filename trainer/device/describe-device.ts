// Which device trained, or will, in one line of words.
import type { DeviceReport } from "../report.ts";

/** And why not the others, where the best was to be taken. */
export function describeDevice({ used, speedup, passedOver = [] }: DeviceReport): string {
  const faster =
    speedup === undefined ? "" : `, ${speedup.toPrecision(2)} times as fast as the CPU in a trial`;
  return [`${used}${faster}`, ...passedOver.map(({ device, reason }) => `not ${device}: ${reason}`)].join(
    "; ",
  );
}
