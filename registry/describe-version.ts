// A version's manifest → what lists of adapters say of it.
import type { RegistryContext } from "./context.ts";
import { figureOf } from "./figure-of.ts";
import { findVersion } from "./find-version.ts";
import type { LatestVersion } from "./latest-version.ts";
import type { AdapterOwner } from "./layout.ts";
import { LISTED_LABELS_BYTES_MAX } from "./limits.ts";
import type { ResolvedAdapter } from "./registry.ts";

/** Undefined where the version has no manifest. Throws invalid_manifest. */
export async function describeVersion(
  context: RegistryContext,
  owner: AdapterOwner,
  version: number,
): Promise<LatestVersion | undefined> {
  const found = await findVersion(context, owner, version);
  return found && describe(found);
}

function describe({ version, digest, manifest }: ResolvedAdapter): LatestVersion {
  const { createdAt, backbone, labels, dataset, report } = manifest;
  const metrics = headlineOf(report);
  return {
    version,
    digest,
    createdAt,
    backbone: { id: backbone.id, digest: backbone.digest },
    labels: firstLabels(labels),
    labelCount: labels.length,
    rows: dataset.rows,
    ...(metrics && { metrics }),
  };
}

function firstLabels(labels: readonly string[]): string[] {
  let bytes = 0;
  const end = labels.findIndex((label) => {
    // As JSON has it, with its comma.
    bytes += Buffer.byteLength(JSON.stringify(label)) + 1;
    return bytes > LISTED_LABELS_BYTES_MAX;
  });
  return end === -1 ? [...labels] : labels.slice(0, end);
}

function headlineOf(report: Readonly<Record<string, unknown>>): LatestVersion["metrics"] {
  for (const on of ["heldOut", "validation"] as const) {
    const accuracy = figureOf(report, { on, metric: "accuracy" });
    const macroF1 = figureOf(report, { on, metric: "macroF1" });
    if (accuracy === undefined && macroF1 === undefined) continue;
    return { on, ...(accuracy !== undefined && { accuracy }), ...(macroF1 !== undefined && { macroF1 }) };
  }
  return undefined;
}
