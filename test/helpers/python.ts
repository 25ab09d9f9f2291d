// Python with what a requirements.txt names, for tests of what speaks to us in Python. Without Python or a network
// there is none: then tests are skipped, but never in CI.
const bootstrap = new URL("../../infra/bootstrap/python.mjs", import.meta.url).href;

/** The path of an interpreter, or undefined. May install for a minute. */
export async function findPython(requirements: string): Promise<string | undefined> {
  const { preparePython }: { preparePython: (path: string) => Promise<string | undefined> } = await import(
    bootstrap
  );
  return preparePython(requirements);
}
