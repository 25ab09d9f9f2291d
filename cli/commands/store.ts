// softgate store: what an operator does to a whole store.
import { Command } from "commander";
import type { Io } from "../io.ts";
import { fsckCommand } from "./store-fsck.ts";

export function storeCommand(io: Io): Command {
  return new Command("store").description("check a store and repair it").addCommand(fsckCommand(io));
}
