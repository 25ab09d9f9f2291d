// The commands that take an adapter out of a store and into another, on a tiny made-up backbone.
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backbone, parsePublishedAdapter, serializeAdapter, shapeOfInsertion } from "#model";
import {
  createRegistry,
  openObjectStore,
  parseAdapterName,
  parseAdapterReference,
  parseTenantId,
} from "#registry";
import { listBackbones, loadBackbone } from "#registry/backbones";
import { makeRandomAdapter, type RandomAdapterOptions } from "../test/helpers/random-adapter.ts";
import { writeTinyBackbone } from "../test/helpers/tiny-backbone.ts";
import { writePieces } from "./export/write-output.ts";
import { softgate } from "./test-io.ts";

let folder: string;
let backbone: Backbone;
let env: { SOFTGATE_STORE: string };
let elsewhere: { SOFTGATE_STORE: string };
const TEXT = "a text about nothing";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-"));
  process.env.SOFTGATE_CACHE = join(folder, "cache");
  env = { SOFTGATE_STORE: `file:${join(folder, "store")}` };
  elsewhere = { SOFTGATE_STORE: `file:${join(folder, "other-store")}` };
  await writeTinyBackbone(join(folder, "tiny"));
  await writeTinyBackbone(join(folder, "another"), { seed: 2 });
  await softgate(["backbone", "pull", join(folder, "tiny")]);
  const [entry] = await listBackbones();
  backbone = await loadBackbone(entry ?? expect.unreachable());
  const generators = [{ layer: 0, pooling: "slots" as const, promptTokens: 3, bottleneck: 4 }];
  await publish("tickets", { generators, scaleShift: [1] });
  await publish("scaled", { generators: [], scaleShift: [0, 1] });
  await exported("tickets:1", "softgate", "package");
});
afterAll(async () => {
  delete process.env.SOFTGATE_CACHE;
  await rm(folder, { recursive: true });
});

async function publish(
  name: string,
  insertions: Pick<RandomAdapterOptions, "generators" | "scaleShift">,
): Promise<void> {
  const { id, digest, config } = backbone;
  const adapter = makeRandomAdapter({ width: config.width, seed: 1, classes: 3, ...insertions });
  const store = await openObjectStore(env.SOFTGATE_STORE);
  await createRegistry({ store, checkAdapter: parsePublishedAdapter }).publish(parseTenantId("default"), {
    name: parseAdapterName(name),
    files: serializeAdapter(adapter, { id, digest }),
    manifest: {
      createdBy: { softgate: "0.0.0" },
      backbone: { id, digest, width: config.width },
      labels: [...adapter.labels],
      insertions: adapter.insertions.map(shapeOfInsertion),
      temperature: adapter.temperature,
      dataset: { digest: `sha256:${"d".repeat(64)}`, rows: 8 },
      report: { kept: "as it is" },
    },
  });
  await store.close();
}

async function exported(id: string, format: string, name: string): Promise<string> {
  const output = join(folder, name);
  const result = await softgate(["adapters", "export", id, "--format", format, "--output", output], { env });
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  return output;
}

async function resolve(storeUrl: string, tenant: string, id: string) {
  const store = await openObjectStore(storeUrl);
  try {
    return await createRegistry({ store }).resolve(parseTenantId(tenant), parseAdapterReference(id));
  } finally {
    await store.close();
  }
}

async function answer(env: Record<string, string>, tenant: string, id: string): Promise<unknown> {
  const args = ["classify", TEXT, "--adapter", id, "--top-k", "3", "--tenant", tenant, "--json"];
  const { stdout } = await softgate(args, { env });
  return JSON.parse(stdout).predictions;
}

function importInto(tenant: string, source: string, name = "here") {
  const args = ["adapters", "import", source, "--name", name, "--tenant", tenant, "--json"];
  return softgate(args, { env: elsewhere });
}

const sha256 = (bytes: Uint8Array | string) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

describe("a package", () => {
  it("goes into another store and tenant with the same weights and answers, and says where from", async () => {
    const source = await resolve(env.SOFTGATE_STORE, "default", "tickets:1");
    const { exitCode, stdout } = await importInto("other", join(folder, "package"));
    const origin = { tenant: "default", name: "tickets", version: 1, digest: source.digest };
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, adapterId: "here:1", origin });
    const { manifest } = await resolve(elsewhere.SOFTGATE_STORE, "other", "here");
    // The same bytes, in copies of their own.
    const files = source.manifest.files.map(({ copy: _, ...file }) => file);
    expect(manifest).toMatchObject({ origin, files, report: { kept: "as it is" } });
    expect(await answer(elsewhere, "other", "here")).toEqual(await answer(env, "default", "tickets"));
    const again = await importInto("other", join(folder, "package"));
    expect(JSON.parse(again.stdout).adapterId).toBe("here:2");
    const shown = await softgate(["adapters", "show", "here", "--tenant", "other"], { env: elsewhere });
    expect(shown.stdout).toMatch(/^ADAPTER .* ORIGIN\nhere:2 .* tickets:1 of default\nhere:1 /);
  });

  it("is imported once with an idempotency key, however often that is tried", async () => {
    const args = [
      "adapters",
      "import",
      join(folder, "package"),
      "--name",
      "once",
      "--idempotency-key",
      "run 7",
    ];
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { stdout } = await softgate([...args, "--json"], { env: elsewhere });
      expect(JSON.parse(stdout).adapterId).toBe("once:1");
    }
  });

  it("is exported again with its new place for an origin", async () => {
    await importInto("chain", join(folder, "package"), "middle");
    const output = join(folder, "chained");
    const place = ["--tenant", "chain", "--format", "softgate", "--output", output];
    await softgate(["adapters", "export", "middle", ...place], { env: elsewhere });
    const { stdout } = await importInto("end", output);
    const middle = await resolve(elsewhere.SOFTGATE_STORE, "chain", "middle");
    expect(JSON.parse(stdout).origin).toEqual({
      ...{ tenant: "chain", name: "middle", version: 1, digest: middle.digest },
    });
  });

  it("has a manifest whose sha256 is the version's digest, and a card with labels and digests", async () => {
    const { digest } = await resolve(env.SOFTGATE_STORE, "default", "tickets:1");
    expect(sha256(await readFile(join(folder, "package", "manifest.json")))).toBe(digest);
    const card = await readFile(join(folder, "package", "README.md"), "utf8");
    for (const part of [digest, backbone.digest, "label 2"]) expect(card).toContain(part);
  });
});

type Change = (folder: string) => Promise<unknown>;

/** Written over, its digest put right in the files that name it. */
async function replaceFile(at: string, name: string, content: Uint8Array): Promise<void> {
  const manifest = JSON.parse(await readFile(join(at, "manifest.json"), "utf8"));
  const file = manifest.files.find(({ path }: { path: string }) => path === name);
  Object.assign(file, { digest: sha256(content), bytes: content.length });
  await writeFile(join(at, name), content);
  await writeManifest(at, manifest);
}

async function writeManifest(at: string, manifest: unknown): Promise<void> {
  const record = JSON.parse(await readFile(join(at, "softgate.json"), "utf8"));
  const bytes = JSON.stringify(manifest);
  await writeFile(join(at, "manifest.json"), bytes);
  await writeFile(join(at, "softgate.json"), JSON.stringify({ ...record, digest: sha256(bytes) }));
}

async function editManifest(at: string, change: Record<string, unknown>): Promise<void> {
  await writeManifest(at, { ...JSON.parse(await readFile(join(at, "manifest.json"), "utf8")), ...change });
}

describe("a package is refused, and nothing published,", () => {
  const pickle = Uint8Array.of(0x80, 4, 0x95, ...new Uint8Array(60));
  const weights = "adapter_model.safetensors";
  const table: [string, Change, RegExp][] = [
    [
      "with a file that is none of a package's",
      (at) => writeFile(join(at, "run.sh"), "id"),
      /"run.sh" is no file/,
    ],
    ["without its manifest", (at) => rm(join(at, "manifest.json")), /manifest.json is missing/],
    [
      "with a link in place of a file",
      async (at) => {
        await rm(join(at, weights));
        await symlink("/etc/hostname", join(at, weights));
      },
      /is a link/,
    ],
    ["with other weights", (at) => writeFile(join(at, weights), "other"), /whose digest manifest.json names/],
    [
      "with another manifest",
      (at) => writeFile(join(at, "manifest.json"), "{}"),
      /manifest.json is not the one whose digest softgate.json names/,
    ],
    [
      "with a record that is none",
      (at) => writeFile(join(at, "softgate.json"), "{}"),
      /softgate.json: mediaType/,
    ],
    [
      "with a record too long",
      (at) => writeFile(join(at, "softgate.json"), " ".repeat(5000)),
      /at most 4096/,
    ],
    ["with a pickle, however right its digest", (at) => replaceFile(at, weights, pickle), /a Python pickle/],
    [
      "with a manifest of other labels",
      (at) => editManifest(at, { labels: ["a", "b", "c"] }),
      /differ in labels/,
    ],
    ["with a manifest that is none", (at) => editManifest(at, { labels: [] }), /damaged: labels/],
    [
      "whose manifest is another version's",
      (at) => editManifest(at, { version: 7 }),
      /calls itself tickets:7/,
    ],
  ];

  it.each(table)("%s", async (title, change, problem) => {
    const at = join(folder, `changed ${title}`);
    await cp(join(folder, "package"), at, { recursive: true });
    await change(at);
    const { exitCode, stderr } = await importInto("refusing", at);
    const { code, message } = JSON.parse(stderr).error;
    expect({ exitCode, code, message }).toEqual({
      ...{ exitCode: 2, code: "invalid_package", message: expect.stringMatching(problem) },
    });
    const listed = await softgate(["adapters", "list", "--tenant", "refusing", "--json"], { env: elsewhere });
    expect(JSON.parse(listed.stdout)).toEqual({ adapters: [] });
  });

  it("for another backbone than is named", async () => {
    const args = ["adapters", "import", join(folder, "package"), "--name", "here", "--json"];
    const other = ["--backbone", join(folder, "another"), "--tenant", "refusing"];
    const { exitCode, stderr } = await softgate([...args, ...other], { env: elsewhere });
    expect({ exitCode, code: JSON.parse(stderr).error.code }).toEqual({
      exitCode: 2,
      code: "backbone_mismatch",
    });
  });
});

describe("export", () => {
  it("as ONNX leaves one file that says what it is, and nothing half-written", async () => {
    const output = await exported("tickets", "onnx", "tickets.onnx");
    const text = (await readFile(output)).toString("latin1");
    expect(text).toContain("softgate.adapter_digest");
    expect(text).toContain((await resolve(env.SOFTGATE_STORE, "default", "tickets:1")).digest);
    expect((await readdir(folder)).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("writes pieces, small and large, in their order", async () => {
    const sizes = [3, 70_000, 1, 0, 65_000, 600, 2, 65_536, 65_537, 5];
    const pieces = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
    const path = join(folder, "pieces");
    await writePieces(path, pieces);
    expect((await readFile(path)).equals(Buffer.concat(pieces))).toBe(true);
  });

  it("for PEFT writes scales and shifts as LN_TUNING, and says that the head is ours", async () => {
    const output = await exported("scaled", "peft", "peft scaled");
    const config = JSON.parse(await readFile(join(output, "adapter_config.json"), "utf8"));
    expect(config.peft_type).toBe("LN_TUNING");
    expect(await readFile(join(output, "README.md"), "utf8")).toContain("It does not load the head");
  });

  it("for PEFT says of prompt generators that PEFT cannot load them", async () => {
    const output = await exported("tickets", "peft", "peft tickets");
    const config = JSON.parse(await readFile(join(output, "adapter_config.json"), "utf8"));
    expect(config.peft_type).toBe("SPT");
    expect(await readFile(join(output, "README.md"), "utf8")).toContain("PEFT cannot load this adapter");
  });

  it("into a folder that holds something is refused before anything is written", async () => {
    const args = ["adapters", "export", "tickets", "--format", "peft", "--output", folder, "--json"];
    const { exitCode, stderr } = await softgate(args, { env });
    expect({ exitCode, ...JSON.parse(stderr).error }).toMatchObject({ exitCode: 2, code: "bad_usage" });
  });

  it("of another tenant's adapter is answered as of one that is not there", async () => {
    const place = ["--format", "softgate", "--output", join(folder, "stolen"), "--tenant", "thief", "--json"];
    const [foreign, absent] = await Promise.all(
      ["tickets", "nowhere"].map((id) => softgate(["adapters", "export", id, ...place], { env })),
    );
    expect(foreign?.exitCode).toBe(3);
    expect(foreign?.stderr).toBe(absent?.stderr.replaceAll("nowhere", "tickets"));
  });
});
