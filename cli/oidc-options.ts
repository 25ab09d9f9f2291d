// Options of softgate serve that say whose tokens are taken beside keys.
import type { Command } from "commander";
import { CliError } from "./errors.ts";

export interface OidcCommandOptions {
  readonly oidcIssuer?: string;
  readonly oidcAudience?: string;
  readonly oidcTenantClaim: string;
  readonly oidcScopesClaim: string;
  readonly oidcScopePrefix: string;
}

export function withOidc(command: Command): Command {
  return command
    .option("--oidc-issuer <url>", "take tokens of this OpenID Connect issuer too, beside keys")
    .option("--oidc-audience <name>", "that these tokens must be for")
    .option("--oidc-tenant-claim <name>", "their claim that names the tenant", "tenant")
    .option("--oidc-scopes-claim <name>", "their claim that lists scopes", "scope")
    .option("--oidc-scope-prefix <text>", "what scopes for this server begin with", "softgate:");
}

/** Undefined without an issuer. Throws CliError bad_usage. */
export function oidcOf(options: OidcCommandOptions) {
  const { oidcIssuer: issuer, oidcAudience: audience } = options;
  if (issuer === undefined && audience === undefined) return undefined;
  if (issuer === undefined || audience === undefined) {
    throw new CliError("bad_usage", "Give --oidc-issuer and --oidc-audience together.");
  }
  return {
    ...{ issuer, audience, tenantClaim: options.oidcTenantClaim },
    ...{ scopesClaim: options.oidcScopesClaim, scopePrefix: options.oidcScopePrefix },
  };
}
