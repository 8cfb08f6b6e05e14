/** Generates the completion script from the definitions of the commands. */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** Placeholders of options whose value is the name of a file or a directory. */
const FILE = /^<(?:files?|directory)>$/;

interface Word {
  /** The command with its group, separated by blanks; empty for the program itself. */
  path: string;
  commands: string[];
  options: string[];
  /** Options with a file or a directory as their value. */
  files: string[];
  /** Options with any other value, for which nothing is proposed. */
  values: string[];
}

const names = ({ long, short }: Option): string[] => [long, short].filter((one) => typeof one === 'string');
const valueOf = ({ flags }: Option): string => /<[^>]*>/.exec(flags)?.[0] ?? '';

/** Returns what may follow each command. Hidden options are left out. */
const wordsOf = (command: Command, path = ''): Word[] => {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const commands = help.visibleCommands(command);
  return [
    {
      path,
      commands: commands.map((one) => one.name()),
      options: options.map(({ long, short }) => long ?? short ?? '').sort(),
      files: options.filter((one) => FILE.test(valueOf(one))).flatMap(names),
      values: options.filter((one) => one.required && !FILE.test(valueOf(one))).flatMap(names),
    },
    ...commands.filter((one) => one.name() !== 'help').flatMap((one) => wordsOf(one, `${path} ${one.name()}`.trim())),
  ];
};

const caseOf = (title: string, cases: readonly (readonly [string, string])[]): string =>
  [`  case "${title}" in`, ...cases.map(([pattern, action]) => `    ${pattern}) ${action} ;;`), '  esac'].join('\n');

const pattern = (paths: readonly string[], option: string): string =>
  paths.map((path) => `'${path}:${option}'`).join('|');

/** Returns one case for each option, with the commands that have it. */
const optionCases = (
  words: readonly Word[],
  of: (word: Word) => readonly string[],
  action: string,
): [string, string][] =>
  [...new Set(words.flatMap(of))].map((option) => [
    pattern(
      words.filter((word) => of(word).includes(option)).map(({ path }) => path),
      option,
    ),
    action,
  ]);

/** Returns the script. It works in bash from 3.2 on, and in zsh with bashcompinit. */
export const completionScript = (program: Command, shell: Shell): string => {
  const words = wordsOf(program);
  const groups = words.filter(({ path, commands }) => path !== '' && commands.length > 0);
  const [root] = words;
  return `# Completion for ${program.name()}: written by "${program.name()} completion ${shell}".
${shell === 'zsh' ? 'autoload -U +X compinit && compinit -i\nautoload -U +X bashcompinit && bashcompinit\n' : ''}_pod_identity_completion() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="" command="" word index=1 words=""
  [ "$COMP_CWORD" -gt 0 ] && previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  # The words before the current one that name the command, with its group.
  while [ "$index" -lt "$COMP_CWORD" ]; do
    word="\${COMP_WORDS[index]}"
${caseOf('$command:$word', [
  ...(root?.commands ?? []).map((name) => [`':${name}'`, `command='${name}'`] as [string, string]),
  ...groups.flatMap(({ path, commands }) =>
    commands.map((name) => [`'${path}:${name}'`, `command='${path} ${name}'`] as [string, string]),
  ),
])}
    index=$((index + 1))
  done
${caseOf('$command:$previous', [
  ...optionCases(words, ({ files }) => files, 'local IFS=$\'\\n\'; COMPREPLY=($(compgen -f -- "$current")); return'),
  ...optionCases(words, ({ values }) => values, 'return'),
])}
${caseOf(
  '$command',
  words.map(({ path, commands, options }) => [`'${path}'`, `words='${[...commands, ...options].join(' ')}'`]),
)}
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _pod_identity_completion ${program.name()}
`;
};
