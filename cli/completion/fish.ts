// A completion script for fish: with what each command and option is for.
import type { Place, Word } from "./places.ts";

export function renderFish(places: readonly Place[]): string {
  const steps = places.flatMap(({ path, steps }) =>
    path === "" ? [] : [`      case ${steps.join(" ")}\n        set place ${path}`],
  );
  const lines = places.flatMap(({ path, commands, options }) => {
    const condition = `-n 'test "$(__softgate_place)" = "${path}"'`;
    return [
      ...commands.map(({ word, description }) => line(condition, `-f -a ${word}`, description)),
      ...options.map((option) => line(condition, flagsOf(option), option.description)),
    ];
  });
  return `# Completes softgate in fish. Made by softgate completion fish.
function __softgate_place
  set -l place ""
  for word in (commandline -opc)[2..]
    switch "$place/$word"
${steps.join("\n")}
    end
  end
  echo $place
end
${lines.join("\n")}
`;
}

function flagsOf({ word, choices }: Word): string {
  const long = `-l ${word.replace(/^--/, "")}`;
  return choices ? `${long} -x -a ${quoted(choices.join(" "))}` : long;
}

function line(condition: string, flags: string, description: string): string {
  return `complete -c softgate ${condition} ${flags} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
