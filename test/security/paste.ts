/** Pastes lines into real shells, with functions and programs that only record their arguments. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonToSkip } from '../end-to-end/served.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** An environment without any shell configuration of the user's. */
const ARGV: Record<Shell, string[]> = { bash: ['bash', '--noprofile', '--norc', '-i'], zsh: ['zsh', '-f', '-i'] };

/** Why nothing can be pasted on this machine; undefined if it can. */
export const reason = reasonToSkip('python3', 'zsh');

const PROGRAMS = ['aws', 'kubectl', 'pod-identity', 'sleep'];
/** Records the number of words, then each word: no word can contain a NUL. */
const STUB = `#!/bin/sh
printf '%s\\0' $(($# + 1)) "\${0##*/}" "$@" >> "$PASTED/calls"
[ "$2" = list-pod-identity-associations ] && echo a-found
[ "$1" = the-end ] && : > "$PASTED/done"
exit 0
`;

/**
 * The same as a function of the shell, which starts no process. It gets the words that the program would get; the program
 * is for a command that starts it in another way.
 */
const functionOf = (name: string): string => `${name}() {
  printf '%s\\0' $(($# + 1)) ${name} "$@" >> "$PASTED/calls"
  [ "$2" = list-pod-identity-associations ] && echo a-found
  [ "$1" = the-end ] && : > "$PASTED/done"
  return 0
}
`;

const callsIn = (file: string): string[][] => {
  const words = existsSync(file) ? readFileSync(file, 'utf8').split('\0').slice(0, -1) : [];
  const calls: string[][] = [];
  while (words.length > 0) calls.push(words.splice(0, Number(words.shift())));
  return calls;
};

export interface Pasted {
  /** Each call of a program, with its name first. */
  calls: string[][];
  /** Files that were created in the shell's folder. */
  made: string[];
}

/** Pastes the lines into a new interactive shell. Throws if the shell did not reach the end of them. */
export function paste(shell: Shell, lines: readonly string[], bracketed: boolean): Pasted {
  const folder = mkdtempSync(join(tmpdir(), 'pasted-'));
  try {
    const [programs, home] = [join(folder, 'programs'), join(folder, 'home')];
    for (const one of [programs, home]) mkdirSync(one);
    for (const name of PROGRAMS) {
      writeFileSync(join(programs, name), STUB);
      chmodSync(join(programs, name), 0o755);
    }
    writeFileSync(join(folder, 'functions'), PROGRAMS.map(functionOf).join(''));
    writeFileSync(join(folder, 'inputrc'), `set enable-bracketed-paste ${bracketed ? 'on' : 'off'}\n`);
    const prompt = '@ready@ ';
    const asked = {
      argv: ARGV[shell],
      folder: home,
      before: '. "$PASTED/functions"',
      lines: [...lines, 'pod-identity the-end'],
      bracketed,
      prompt,
      done: join(folder, 'done'),
      environment: {
        PATH: `${programs}:/usr/bin:/bin`,
        HOME: home,
        INPUTRC: join(folder, 'inputrc'),
        TERM: 'xterm',
        LC_ALL: bracketed ? 'C.UTF-8' : 'C',
        PS1: prompt,
        PASTED: folder,
      },
    };
    const output = execFileSync('python3', [join(import.meta.dirname, 'paste.py')], {
      input: JSON.stringify(asked),
      encoding: 'utf8',
      maxBuffer: 64_000_000,
    });
    const { finished, seen } = JSON.parse(output) as { finished: boolean; seen: string };
    if (!finished) throw new Error(`${shell} did not reach the end of the pasted lines; its output: ${seen}`);
    return {
      calls: callsIn(join(folder, 'calls')).filter((call) => call[1] !== 'the-end'),
      made: execFileSync('find', [home, '-type', 'f', '-not', '-name', '.*'], { encoding: 'utf8' })
        .split('\n')
        .filter((file) => file !== ''),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
