// A private key that signs, from its file. Nothing of it is printed, and it goes no further than this process.
import { readFile } from "node:fs/promises";
import { createSigner, type Signer } from "#registry";
import { CliError } from "./errors.ts";

/** Undefined without a path. Throws CliError file_unreadable, RegistryError invalid_signing_key. */
export async function readSigner(path: string | undefined): Promise<Signer | undefined> {
  return path === undefined ? undefined : createSigner(await readKeyFile(path));
}

/** Throws CliError file_unreadable. */
export function readKeyFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: Error) => {
    throw new CliError("file_unreadable", `${path} cannot be read (${cause.message}).`, cause);
  });
}
