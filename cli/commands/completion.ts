// softgate completion: what a shell needs to complete command lines, made of the program's own commands and options.
import { Argument, Command } from "commander";
import { renderBash } from "../completion/bash.ts";
import { renderFish } from "../completion/fish.ts";
import { placesOf } from "../completion/places.ts";
import { renderZsh } from "../completion/zsh.ts";
import type { Io } from "../io.ts";

const renderByShell = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
type Shell = keyof typeof renderByShell;

/** `program` is asked for when the command runs: by then it has every command. */
export function completionCommand(io: Io, program: () => Command): Command {
  return new Command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "whose").choices(Object.keys(renderByShell)))
    .addHelpText("after", HELP)
    .action((shell: Shell) => io.stdout(renderByShell[shell](placesOf(program()))));
}

const HELP = `
Examples:
  $ source <(softgate completion bash)                                        in this shell; or in ~/.bashrc
  $ softgate completion zsh > "\${fpath[1]}/_softgate"                         then start zsh again
  $ softgate completion fish > ~/.config/fish/completions/softgate.fish
`;
