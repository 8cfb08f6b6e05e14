/**
 * `node scripts/recording.ts` writes docs/images/terminal.svg: a terminal in which the commands below run, as they
 * really do, in the sandbox. The time between two lines is this file's choice. A test fails while the file is stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters, styleText } from 'node:util';
import { ensureAssembly } from '../cli/assembly.ts';
import { EXIT_CODES } from '../cli/exit-codes.ts';
import { runCommand } from './documents/command.ts';
import { type Line, terminalSvg } from './documents/terminal-svg.ts';

/** The commands that are shown, one after the other. */
const COMMANDS = [
  'pod-identity plan --cluster reliability-dev --sandbox ebs-csi-irsa',
  'pod-identity migrate --cluster reliability-dev --addon aws-ebs-csi-driver \\\n    --sandbox ebs-csi-irsa',
];

export const RECORDING_FILE = join(import.meta.dirname, '..', 'docs', 'images', 'terminal.svg');

const COLUMNS = 80;
const ROWS = 32;
/**
 * Seconds: before a command's output, for a line of progress, for a line of the report, for the empty line after one
 * of its sections, after the end of a command, and at the very end. The whole takes about 12 seconds, and then stays.
 */
const PAUSE = { typed: 0.8, step: 0.3, line: 0.02, section: 0.6, command: 2, end: 5 };

const paint = (format: 'green' | 'cyan' | 'bold', text: string): string =>
  styleText(format, text, { validateStream: false });

/**
 * Returns a line of progress as a terminal leaves it: the end of a step replaces its beginning, and has a green tick.
 * Undefined for the beginning.
 */
const progressLine = (text: string): string | undefined => {
  const plain = stripVTControlCharacters(text);
  if (plain.startsWith('❯')) return undefined;
  return plain.startsWith('✔') ? `${paint('green', '✔')}${plain.slice(1)}` : plain;
};

const pauseAfter = (stream: 'stdout' | 'stderr', line: string): number => {
  if (stream === 'stderr') return PAUSE.step;
  return line === '' ? PAUSE.section : PAUSE.line;
};

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/** Returns the SVG of the recording. Throws if a command fails; that a plan is blocked is no failure. */
export async function recording(): Promise<string> {
  // Otherwise the first command reports that it builds the application.
  await ensureAssembly();
  const lines: Line[] = [];
  let at = 0;
  const add = (text: string, pause: number): void => {
    lines.push({ at: Math.round(at * 100) / 100, text });
    at += pause;
  };
  for (const command of COMMANDS) {
    if (at > 0) add('', 0);
    for (const [index, line] of command.split('\n').entries())
      add(index === 0 ? `${paint('cyan', '$')} ${paint('bold', line)}` : paint('bold', line), 0);
    at += PAUSE.typed;
    const { exitCode, pieces } = await runCommand(command, { columns: COLUMNS, colours: true });
    if (exitCode !== EXIT_CODES.ok && exitCode !== EXIT_CODES.blocked)
      throw new Error(`The exit code is ${exitCode}: ${command}`);
    for (const { stream, text } of pieces)
      for (const line of linesOf(text)) {
        const shown = stream === 'stderr' ? progressLine(line) : line;
        if (shown !== undefined) add(shown, pauseAfter(stream, shown));
      }
    at += PAUSE.command;
  }
  return terminalSvg({
    title: 'pod-identity in the sandbox (simulated AWS)',
    description: `A terminal in which these commands run: ${COMMANDS.map((one) => one.replaceAll(/ \\\n\s*/g, ' ')).join('; ')}`,
    lines,
    columns: COLUMNS,
    rows: ROWS,
    seconds: Math.ceil(at - PAUSE.command + PAUSE.end),
  });
}

if (import.meta.main) {
  writeFileSync(RECORDING_FILE, await recording());
  console.log('Wrote docs/images/terminal.svg.');
}
