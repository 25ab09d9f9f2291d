// A completion script for bash, also that of macOS: 3.2.
import type { Place } from "./places.ts";

export function renderBash(places: readonly Place[]): string {
  const steps = places.flatMap(({ path, steps }) =>
    path === "" ? [] : [`      ${steps.join("|")}) place="${path}" ;;`],
  );
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ word, choices }) =>
      choices ? [`    "${path} ${word}") words="${choices.join(" ")}" ;;`] : [],
    ),
  );
  const words = places.map(({ path, commands, options }) => {
    const all = [...commands, ...options].map(({ word }) => word).join(" ");
    return `    "${path}") words="${all}" ;;`;
  });
  return `# Completes softgate in bash. Made by softgate completion bash.
_softgate() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place="" words="" at
  for ((at = 1; at < COMP_CWORD; at += 1)); do
    case "$place/\${COMP_WORDS[at]}" in
${steps.join("\n")}
    esac
  done
  case "$place $previous" in
${choices.join("\n")}
  esac
  if [[ -z $words ]]; then case "$place" in
${words.join("\n")}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _softgate softgate
`;
}
