// The Python that has the linters of deployment files (infra/validators). The bootstrap installs them once and names it in
// SOFTGATE_VALIDATORS; without that they are looked for, or installed, here. Without Python there are none: then tests are
// skipped, but never in CI.

/** Undefined when they cannot be had outside of CI. May install for minutes. */
export async function findValidators(): Promise<string | undefined> {
  if (process.env.SOFTGATE_VALIDATORS) return process.env.SOFTGATE_VALIDATORS;
  const bootstrap = new URL("../../infra/bootstrap/validators.mjs", import.meta.url).href;
  const { installValidators }: { installValidators: () => Promise<string | undefined> } = await import(
    bootstrap
  );
  return installValidators();
}
