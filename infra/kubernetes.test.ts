// The manifests of infra/kubernetes: each against the schemas of its kind, and together, that what names another finds it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { findValidators } from "../test/helpers/validators.ts";

const FOLDER = fileURLToPath(new URL("kubernetes", import.meta.url));
const METRICS = fileURLToPath(new URL("../docs/how-to/observe.md", import.meta.url));
const KUBERNETES = "1.37";
const validators = await findValidators();

// Manifests are of Kubernetes' making: what is not there is undefined, and a test that reads it fails.
// biome-ignore lint/suspicious/noExplicitAny: said above
type Manifest = Record<string, any>;

describe.skipIf(validators === undefined)("the manifests", () => {
  let files: string[];
  let resources: Manifest[];
  const readYaml = async (paths: readonly string[]): Promise<Manifest[]> =>
    (await validators?.readYaml<Manifest>(paths)) ?? [];

  beforeAll(async () => {
    const read = (path: string): Promise<Manifest[]> => readYaml([join(FOLDER, path)]);
    const [base] = await read("base/kustomization.yaml");
    const [gpu] = await read("gpu/kustomization.yaml");
    expect(gpu?.resources).toEqual(["../base", "gpu-trainer.yaml"]);
    files = [
      ...(base?.resources ?? []).map((file: string) => join(FOLDER, "base", file)),
      join(FOLDER, "gpu/gpu-trainer.yaml"),
    ];
    resources = await readYaml(files);
  });

  const all = (kind: string): Manifest[] => resources.filter((resource) => resource.kind === kind);
  const podsOf = (labels: Record<string, string>) =>
    all("Deployment").filter(({ spec }) =>
      Object.entries(labels).every(([name, value]) => spec.template.metadata.labels[name] === value),
    );
  const containers = () =>
    all("Deployment").flatMap(({ spec }) => spec.template.spec.containers as Manifest[]);

  it("are what Kubernetes takes, with no field that it does not know", async () => {
    await validators?.checkManifests(KUBERNETES, files);
  });

  it("run every container as a user without rights, on a file system that is read-only, within limits", () => {
    expect(containers()).toHaveLength(3);
    for (const { spec } of all("Deployment")) {
      expect(spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      });
    }
    for (const { securityContext, resources: amounts } of containers()) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(amounts.limits).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) });
    }
  });

  it("name what is there: selectors their pods, the autoscaler its deployment, environments their maps", () => {
    for (const { spec } of all("Deployment")) expect(podsOf(spec.selector.matchLabels)).toHaveLength(1);
    for (const { spec } of all("PodDisruptionBudget"))
      expect(podsOf(spec.selector.matchLabels)).toHaveLength(1);
    for (const { spec } of all("Service")) expect(podsOf(spec.selector)).toHaveLength(1);
    for (const { spec } of all("NetworkPolicy")) {
      expect(podsOf(spec.podSelector.matchLabels).length).toBeGreaterThan(0);
    }
    expect(all("PodDisruptionBudget")).toHaveLength(3);
    const names = all("Deployment").map(({ metadata }) => metadata.name);
    for (const { spec } of all("HorizontalPodAutoscaler")) expect(names).toContain(spec.scaleTargetRef.name);
    const maps = all("ConfigMap").map(({ metadata }) => metadata.name);
    for (const { envFrom } of containers()) expect(maps).toContain(envFrom[0].configMapRef.name);
  });

  it("probe the paths that tell life and readiness, and give a server its drain", () => {
    const [api] = containers().filter(({ name }) => name === "api");
    expect(api?.livenessProbe.httpGet).toEqual({ path: "/livez", port: "http" });
    for (const probe of ["startupProbe", "readinessProbe"]) {
      expect(api?.[probe].httpGet).toEqual({ path: "/readyz", port: "http" });
    }
    const [pod] = podsOf({ "app.kubernetes.io/component": "api" });
    expect(api?.args).toContain("--drain-delay=10");
    // The delay, what requests under way have, and what the parts have to end.
    expect(pod?.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(10 + 10 + 10);
  });

  it("scale by how long texts wait, by a metric that a server has", async () => {
    const [adapter] = (await readYaml([join(FOLDER, "prometheus-adapter-values.yaml")])) as Manifest[];
    const [rule] = adapter?.rules.custom ?? [];
    const [scaler] = all("HorizontalPodAutoscaler");
    expect(scaler?.spec.metrics[0].pods.metric.name).toBe(rule.name.as);
    const series = /^(softgate_\w+)_bucket/.exec(rule.seriesQuery)?.[1] ?? "";
    expect(await readFile(METRICS, "utf8")).toContain(`\`${series}\` | histogram`);
  });

  it("ask for a GPU where trainers have one", () => {
    const [gpu] = podsOf({ "app.kubernetes.io/component": "gpu-trainer" });
    expect(gpu?.spec.template.spec.containers[0]).toMatchObject({
      args: ["worker"],
      resources: { limits: { "nvidia.com/gpu": 1 } },
    });
  });
});
