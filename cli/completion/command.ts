/** Defines `completion`: prints a script that completes the commands and options in a shell. */
import type { Command } from 'commander';
import { printOptions } from '../command-options.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { completionScript, SHELLS } from './script.ts';

const HELP = `For the current shell:
  eval "$(pod-identity completion bash)"

For every new shell:
  pod-identity completion bash > ~/.local/share/bash-completion/completions/pod-identity
  pod-identity completion zsh > ~/.pod-identity-completion && echo 'source ~/.pod-identity-completion' >> ~/.zshrc

Exit codes:
  0  the script was printed
  2  an unknown shell`;

export const addCompletionCommand = (program: Command, io: Io): void => {
  printOptions(
    program
      .command('completion')
      .description('print a script that completes commands, options and file names in bash or zsh')
      .argument('<shell>', SHELLS.join(' or ')),
  )
    .addHelpText('after', `\n${HELP}`)
    .action((shell: string) => {
      const known = SHELLS.find((one) => one === shell);
      if (known === undefined)
        throw new CliError(
          'UnknownShell',
          `there is no completion for the shell "${shell}"`,
          `Use ${SHELLS.join(' or ')}`,
        );
      io.stdout.write(completionScript(program, known));
    });
};
