#!/usr/bin/env node
// The command itself, from a clone and under any Node from 20: goes through the bootstrap.
process.argv.splice(2, 0, "cli/main.ts");
await import("../infra/bootstrap.mjs");
