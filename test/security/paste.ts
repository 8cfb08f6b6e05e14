/** What real shells make of lines that are pasted into them: programs that only record what they are called with. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonToSkip } from '../end-to-end/served.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** As somebody has them who has set nothing up. */
const ARGV: Record<Shell, string[]> = {
  bash: ['bash', '--noprofile', '--norc', '-i'],
  zsh: ['zsh', '-f', '-i'],
};

/** Why nothing can be pasted here; undefined where it can. */
export const reason = reasonToSkip('python3', 'zsh');

const PROGRAMS = ['aws', 'kubectl', 'pod-identity', 'sleep'];
/** The count of the words, then each: no word can have a NUL. */
const STUB = `#!/bin/bash
record() { printf '%s\\0' "$#" "$@"; }
record "\${0##*/}" "$@" >> "$PASTED/calls"
[[ $2 == list-pod-identity-associations ]] && echo a-found
[[ $1 == the-end ]] && touch "$PASTED/done"
exit 0
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
  /** Files that something has made in the shell's folder. */
  made: string[];
}

/** Pastes the lines into a new interactive shell. Throws where the shell did not get to the end of them. */
export function paste(shell: Shell, lines: readonly string[], bracketed: boolean): Pasted {
  const folder = mkdtempSync(join(tmpdir(), 'pasted-'));
  try {
    const [programs, home] = [join(folder, 'programs'), join(folder, 'home')];
    for (const one of [programs, home]) mkdirSync(one);
    for (const name of PROGRAMS) {
      writeFileSync(join(programs, name), STUB);
      chmodSync(join(programs, name), 0o755);
    }
    writeFileSync(join(folder, 'inputrc'), `set enable-bracketed-paste ${bracketed ? 'on' : 'off'}\n`);
    const prompt = '@ready@ ';
    const asked = {
      argv: ARGV[shell],
      folder: home,
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
    const told = execFileSync('python3', [join(import.meta.dirname, 'paste.py')], {
      input: JSON.stringify(asked),
      encoding: 'utf8',
      maxBuffer: 64_000_000,
    });
    const { finished, seen } = JSON.parse(told) as { finished: boolean; seen: string };
    if (!finished) throw new Error(`${shell} did not get to the end of what was pasted; it showed: ${seen}`);
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
