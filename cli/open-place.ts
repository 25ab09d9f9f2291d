// The registry that a command works on: on a store in this process, or on a server over HTTP.
import type { Io } from "./io.ts";
import { keepDataset } from "./keep-dataset.ts";
import { withRegistry } from "./open-registry.ts";
import { CLI_ACTOR, type StoreOptions } from "./options.ts";
import { createClient } from "./remote/client.ts";
import { createRemoteRegistry, type RegistryPort } from "./remote/remote-registry.ts";

export function withPlace<Result>(
  options: StoreOptions,
  io: Io,
  use: (registry: RegistryPort) => Promise<Result>,
): Promise<Result> {
  const { remote } = options;
  if (!remote) {
    return withRegistry(options.store, (registry) =>
      use({
        ...registry,
        keepDataset: (tenant, file) => keepDataset(registry, tenant, { file, actor: CLI_ACTOR }),
      }),
    );
  }
  return use(createRemoteRegistry(createClient(remote, io.signal)));
}
