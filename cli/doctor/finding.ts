// What doctor finds of one thing: that it works, that it will be a nuisance, or that it does not work.

export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly detail: string;
  /** What to do. Absent where all is well. */
  readonly remedy?: string;
}

export interface Check {
  readonly name: string;
  /** What it rejects with is a problem of its own. */
  readonly run: (signal: AbortSignal) => Promise<Omit<Finding, "name">>;
}

/** Each check has so long. */
const CHECK_MS_MAX = 20_000;

export function ok(detail: string): Omit<Finding, "name"> {
  return { state: "ok", detail };
}

export function warning(detail: string, remedy: string): Omit<Finding, "name"> {
  return { state: "warning", detail, remedy };
}

export function problem(detail: string, remedy: string): Omit<Finding, "name"> {
  return { state: "problem", detail, remedy };
}

/** Never rejects. */
export async function runCheck({ name, run }: Check, remedy: string): Promise<Finding> {
  const signal = AbortSignal.timeout(CHECK_MS_MAX);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error(`no answer in ${CHECK_MS_MAX / 1_000} seconds`)));
  });
  try {
    return { name, ...(await Promise.race([run(signal), late])) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, ...problem(detail, remedy) };
  }
}
