/** Runs the commands that documents show, as a reader would type them, in this process and in the sandbox. */
import { main } from '../../cli/program.ts';
import { PROGRAM } from '../../cli/program-name.ts';

/** What a command printed, in order. */
export interface Piece {
  stream: 'stdout' | 'stderr';
  text: string;
}

export interface Printed {
  exitCode: number;
  pieces: Piece[];
}

/** How the program may be written in a document. */
const WRITTEN = /^(npm run (?:--silent )?pod-identity --|pod-identity) /;

/** Returns the words of a command line: blanks separate them, quotes keep blanks, a backslash joins two lines. */
export const wordsOf = (line: string): string[] =>
  [...line.replaceAll(/\\\n\s*/g, ' ').matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );

/** Returns the arguments of a command of this program, or undefined for any other command. */
export const argumentsOf = (line: string): string[] | undefined =>
  WRITTEN.test(line) ? wordsOf(line.replace(WRITTEN, '')) : undefined;

/**
 * Runs a command of this program on a terminal of that width, in virtual time. What it prints names the program as the
 * command does, which for the installed program is what it prints itself. Throws for any other command.
 */
export async function runCommand(
  line: string,
  { columns, colours = false }: { columns: number; colours?: boolean },
): Promise<Printed> {
  const args = argumentsOf(line);
  const [, written] = WRITTEN.exec(line) ?? [];
  if (!args || written === undefined) throw new Error(`Not a command of this program: ${line}`);
  const pieces: Piece[] = [];
  const collect = (stream: Piece['stream']) => ({
    write: (text: string) => void pieces.push({ stream, text: text.replaceAll(PROGRAM, written) }),
  });
  const exitCode = await main(args, {
    stdout: { ...collect('stdout'), isTTY: true, columns, hasColors: () => colours },
    // Not a terminal, on which the progress would follow the machine's own clock.
    stderr: collect('stderr'),
  });
  return { exitCode, pieces };
}
