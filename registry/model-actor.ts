// For tests: one of several that change an adapter at once, by what commands, and what it was answered. Needs no test
// runner, so that it can be a process of its own.
import { RegistryError } from "./errors.ts";
import type { Registry } from "./registry.ts";
import { alpha, publishRequest, router } from "./test-registry.ts";

export const commandKinds = [
  ...["publish", "set", "set", "set", "rollback", "rollback", "rollback", "protect", "unprotect"],
  ...["deleteVersion", "deleteVersion", "restoreVersion", "deleteAdapter", "restoreAdapter", "resolve"],
  ...["retain", "collect"],
] as const;

export interface Command {
  readonly kind: (typeof commandKinds)[number];
  readonly process: number;
  readonly alias: "production" | "canary";
  readonly version: number;
  readonly force: boolean;
}

/** What a call was answered, by the reason it gave, which its entry in the history has too. */
export type Answer = { readonly command: Command; readonly why: string } & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string }
);

/** One thing after another. */
export async function act(registry: Registry, plan: readonly Command[], process: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [index, command] of plan.entries()) {
    if (command.process === process) answers.push(await answerOf(registry, command, `reason ${index}`));
  }
  return answers;
}

async function answerOf(registry: Registry, command: Command, why: string): Promise<Answer> {
  try {
    return { command, why, ok: true, value: await call(registry, command, why) };
  } catch (error) {
    return { command, why, ok: false, code: error instanceof RegistryError ? error.code : String(error) };
  }
}

function call(registry: Registry, { kind, alias, version, force }: Command, why: string): Promise<unknown> {
  switch (kind) {
    case "publish":
      return registry.publish(alpha, publishRequest(why, { alias, idempotencyKey: why, actor: { id: why } }));
    case "set":
      return registry.setAlias(alpha, router, { alias, version, force, why });
    case "rollback":
      return registry.rollback(alpha, router, { alias, force, why });
    case "protect":
    case "unprotect":
      return registry.protectAlias(alpha, router, { alias, protected: kind === "protect", why });
    case "deleteVersion":
      return registry.deleteVersion(alpha, router, { version, why });
    case "restoreVersion":
      return registry.restoreVersion(alpha, router, { version, why });
    case "deleteAdapter":
      return registry.deleteAdapter(alpha, router, { force, why });
    case "restoreAdapter":
      return registry.restoreAdapter(alpha, router, { why });
    case "retain":
      return registry.setRetention(alpha, router, { retention: { keepVersions: version }, why });
    case "collect":
      return registry.collectGarbage(alpha, { actor: { id: why } });
    case "resolve":
      return registry.resolve(alpha, { name: router, alias });
  }
}
