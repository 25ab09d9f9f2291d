// The completion scripts in the shells that are on this machine; bash is.
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../program.ts";
import { createTestIo, softgate } from "../test-io.ts";
import { startSoftgate } from "../test-process.ts";
import { placesOf } from "./places.ts";

const run = promisify(execFile);
const hasShell = (shell: string) => {
  try {
    execFileSync(shell, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

let folder: string;
const scriptOf = (shell: string) => join(folder, shell);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "softgate-completion-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    await writeFile(scriptOf(shell), (await softgate(["completion", shell])).stdout);
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** What each shell offers behind these words, of which the last is being typed. */
const offeredBy = {
  async bash(words: readonly string[]) {
    const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _softgate; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run("bash", ["-c", script, scriptOf("bash"), ...words])).stdout.split("\n").filter(Boolean);
  },
  async zsh(words: readonly string[]) {
    const stubs = "compdef() {}; _describe() { print -l -- $entries }; compadd() { shift; print -l -- $@ }";
    const script = `${stubs}; source "$0"; words=("$@"); CURRENT=$#; _softgate`;
    const { stdout } = await run("zsh", ["-f", "-c", script, scriptOf("zsh"), ...words]);
    const all = stdout.split("\n").map((line) => line.replace(/:.*/, ""));
    return all.filter((word) => word !== "" && word.startsWith(words.at(-1) ?? ""));
  },
  async fish(words: readonly string[]) {
    const script = `source ${scriptOf("fish")}; complete -C '${words.join(" ")}'`;
    const { stdout } = await run("fish", ["--no-config", "-c", script]);
    return stdout
      .split("\n")
      .map((line) => line.replace(/\t.*/, ""))
      .filter(Boolean);
  },
};

describe.each(["bash", "zsh", "fish"] as const)("in %s", (shell) => {
  it.skipIf(!hasShell(shell))(
    "commands, their subcommands by every name, options and choices are offered",
    async () => {
      const offered = async (...words: string[]) => (await offeredBy[shell](["softgate", ...words])).sort();
      expect(await offered("da")).toEqual(["datasets"]);
      expect(await offered("adapters", "r")).toEqual(["restore", "retention", "rm", "rollback"]);
      expect(await offered("adapters", "rm", "--fo")).toEqual(["--force"]);
      expect(await offered("adapters", "delete", "--fo")).toEqual(["--force"]);
      expect(await offered("train", "--method", "")).toEqual(["auto", "spt"]);
      expect(await offered("train", "--name", "x", "--data", "a.csv", "--se")).toEqual([
        "--seed",
        "--server",
      ]);
    },
  );
});

it("every command of the program is a place, with every option that its help shows", () => {
  const program = createProgram(createTestIo().io);
  const places = placesOf(program);
  expect(places.length).toBeGreaterThan(40);
  for (const { path, commands, options } of places) {
    const command = path
      .split("/")
      .slice(1)
      .reduce((found, name) => found.commands.find((each) => each.name() === name) ?? found, program);
    for (const { word } of commands) expect(command.helpInformation()).toContain(word.slice(0, 5));
    for (const { word } of options) expect(command.helpInformation()).toContain(word);
    expect(options.map(({ word }) => word)).toContain("--help");
  }
});

it("softgate completion is a command as others are", async () => {
  const child = startSoftgate(["completion", "bash"], {});
  expect((await child.ended)[0]).toBe(0);
  expect(child.stdout()).toContain("complete -o default -F _softgate softgate");
  expect(await softgate(["completion", "tcsh"])).toMatchObject({ exitCode: 2, stdout: "" });
});
