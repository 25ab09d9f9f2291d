// A completion script for zsh: with what each command and option is for.
import type { Place, Word } from "./places.ts";

export function renderZsh(places: readonly Place[]): string {
  const steps = places.flatMap(({ path, steps }) =>
    path === "" ? [] : [`      ${steps.join("|")}) place="${path}" ;;`],
  );
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ word, choices }) =>
      choices ? [`    "${path} ${word}") compadd -- ${choices.join(" ")}; return ;;`] : [],
    ),
  );
  const words = places.map(({ path, commands, options }) => {
    const all = [...commands, ...options].map((word) => `      ${entryOf(word)}`);
    return `    "${path}") entries=(\n${all.join("\n")}\n    ) ;;`;
  });
  return `#compdef softgate
# Completes softgate in zsh. Made by softgate completion zsh.
_softgate() {
  local place="" word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
${steps.join("\n")}
    esac
  done
  case "$place \${words[CURRENT-1]}" in
${choices.join("\n")}
  esac
  case "$place" in
${words.join("\n")}
  esac
  _describe softgate entries || _files
}
if [[ "$funcstack[1]" == "_softgate" ]]; then _softgate "$@"; else compdef _softgate softgate; fi
`;
}

/** In single quotes; a colon ends the word. */
function entryOf({ word, description }: Word): string {
  return `'${`${word}:${description.replaceAll(":", "\\:")}`.replaceAll("'", "'\\''")}'`;
}
