/**
 * `node scripts/outputs.ts` runs the commands that documents show with their outputs, in the sandbox, and writes the
 * outputs into the documents. A test fails while one is stale.
 *
 * A command is a block `sh` of one line, directly followed by a block `text`. A block that ends with the line `…` shows
 * only the beginning: as many lines as it has now, or a first screen if it has none.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAssembly } from '../cli/assembly.ts';
import { runCommand } from './documents/command.ts';

const ROOT = join(import.meta.dirname, '..');
/** As many as a code block on a wide page shows without scrolling. */
const COLUMNS = 100;
const FIRST_SCREEN = 20;
const SHORTENED = '…';

/** Its commands run one after the other against a served sandbox, and from the package. */
const NOT_IN_PROCESS = 'quick-start.md';

const SHOWN = /^```sh\n(?<command>.+)\n```\n\n```text\n(?<output>(?:.*\n)*?)```$/gm;

/** Returns the documents that may show outputs of commands in the sandbox. */
export const documentsWithOutputs = (): string[] => [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== NOT_IN_PROCESS)
    .map((name) => `docs/${name}`),
];

/** Returns the commands that a document shows with their outputs. */
export const commandsIn = (document: string): string[] =>
  [...document.matchAll(SHOWN)].map(({ groups }) => groups?.['command'] ?? '');

/** Returns what a block shows of an output: all of it, or its beginning. */
export function shownOf(printed: string, block: string): string {
  const before = block.trimEnd().split('\n');
  const lines = printed.trimEnd().split('\n');
  if (before.at(-1) !== SHORTENED) return `${lines.join('\n')}\n`;
  const length = before.length > 1 ? before.length - 1 : FIRST_SCREEN;
  return `${lines.slice(0, length).join('\n')}\n${SHORTENED}\n`;
}

/** The file with which documents keep a sandbox between their commands; it is not written into the repository. */
const STATE = 'world.json';

/** Returns what a command prints on stdout, in the sandbox. Throws if it prints nothing. */
async function printedInSandbox(command: string, folder: string): Promise<string> {
  const state = join(folder, STATE);
  const { pieces } = await runCommand(command.replaceAll(`--state ${STATE}`, `--state ${state}`), { columns: COLUMNS });
  const printed = pieces
    .flatMap((piece) => (piece.stream === 'stdout' ? [piece.text] : []))
    .join('')
    .replaceAll(state, STATE);
  if (printed === '') throw new Error(`${command} printed nothing: ${pieces.map((piece) => piece.text).join('')}`);
  return printed;
}

/** Returns a document with the outputs that its commands print today; they share the file of a kept sandbox. */
export async function withOutputs(
  document: string,
  run: (command: string, folder: string) => Promise<string> = printedInSandbox,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'outputs-'));
  try {
    return await withOutputsOf(document, (command) => run(command, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the document with what `run` returns for one command after the other. */
async function withOutputsOf(document: string, run: (command: string) => Promise<string>): Promise<string> {
  let text = '';
  let end = 0;
  for (const match of document.matchAll(SHOWN)) {
    const { command = '', output = '' } = match.groups ?? {};
    const printed = await run(command);
    text += `${document.slice(end, match.index)}\`\`\`sh\n${command}\n\`\`\`\n\n\`\`\`text\n${shownOf(printed, output)}\`\`\``;
    end = match.index + match[0].length;
  }
  return text + document.slice(end);
}

if (import.meta.main) {
  await ensureAssembly();
  for (const name of documentsWithOutputs()) {
    const before = readFileSync(join(ROOT, name), 'utf8');
    const after = await withOutputs(before);
    if (after === before) continue;
    writeFileSync(join(ROOT, name), after);
    console.log(`Wrote the outputs in ${name}.`);
  }
}
