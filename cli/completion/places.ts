// The places of a command line where something can be completed: the program, each command and each of its
// subcommands, with the words that may follow there.
import type { Command } from "commander";

export interface Word {
  readonly word: string;
  /** One line. */
  readonly description: string;
  /** Of an option: what may follow it, where that is a fixed choice. */
  readonly choices?: readonly string[];
}

export interface Place {
  /** The commands that lead there, by their first names: "" for the program, "/adapters/list". */
  readonly path: string;
  /** The words that lead there: the path before and each name of the command, as "/adapters/rm". */
  readonly steps: readonly string[];
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
}

export function placesOf(program: Command, parent?: string): readonly Place[] {
  const names = [program.name(), ...program.aliases()];
  const path = parent === undefined ? "" : `${parent}/${program.name()}`;
  const steps = parent === undefined ? [] : names.map((name) => `${parent}/${name}`);
  const place = { path, steps, commands: commandsOf(program), options: optionsOf(program) };
  return [place, ...program.commands.flatMap((command) => placesOf(command, path))];
}

function commandsOf({ commands }: Command): readonly Word[] {
  return commands.flatMap((command) =>
    [command.name(), ...command.aliases()].map((word) => ({
      word,
      description: oneLine(command.description()),
    })),
  );
}

function optionsOf(command: Command): readonly Word[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description, argChoices: choices }) =>
      long ? [{ word: long, description: oneLine(description), ...(choices && { choices }) }] : [],
    );
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
