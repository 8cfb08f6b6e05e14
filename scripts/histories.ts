/**
 * `node scripts/histories.ts`: writes docs/histories.md, how many events the executions of each state machine may come
 * to, from the synthesised definitions and the bounds of `lib/histories.ts`. A test fails while it is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAssembly } from '../cli/assembly.ts';
import { HISTORY_BOUNDS, type HistoryBounds } from '../lib/histories.ts';
import { loadAssembly } from '../sandbox/assembly/assembly.ts';
import type { StateSet } from '../sandbox/states/definition.ts';
import { MAX_EVENTS } from '../sandbox/states/limits.ts';
import { parseDefinition } from '../sandbox/states/parse-definition.ts';
import { worstHistory, type WorstHistory } from '../sandbox/states/validation/worst-history.ts';

export const HISTORIES_FILE = join(import.meta.dirname, '..', 'docs', 'histories.md');

type Name = keyof typeof HISTORY_BOUNDS;

/** Returns the states of each state machine, and of the child executions of Sweep's Map. */
const statesOf = (name: Name, definitions: { logicalId: string; definition: object }[]): StateSet => {
  const [machine = '', path] = name.split(', ');
  const found = definitions.find(({ logicalId }) => logicalId.startsWith(`${machine}StateMachine`));
  if (!found) throw new Error(`The application has no state machine ${machine}.`);
  const whole = parseDefinition(machine, found.definition);
  if (path === undefined) return whole;
  const [map] = Object.values(whole.States).filter((state) => state.Type === 'Map');
  if (!map) throw new Error(`The state machine ${machine} has no Map.`);
  return map.ItemProcessor;
};

/** Returns the longest history of each, with every optional feature. */
export async function histories(): Promise<{ name: Name; bounds: HistoryBounds; worst: WorstHistory }[]> {
  const { directory } = await ensureAssembly();
  const { stateMachines } = loadAssembly(directory, { account: '111122223333', region: 'eu-west-1' });
  return (Object.keys(HISTORY_BOUNDS) as Name[]).map((name) => {
    const bounds: HistoryBounds = HISTORY_BOUNDS[name];
    return { name, bounds, worst: worstHistory(statesOf(name, stateMachines), bounds) };
  });
}

const number = (value: number): string => value.toLocaleString('en-US');
const cell = (...cells: (string | number)[]): string =>
  `| ${cells.map((each) => (typeof each === 'number' ? number(each) : each)).join(' | ')} |`;

const tableOf = ({ rows, bounded, detours, events }: WorstHistory): string[] => [
  cell('state', 'visits', 'retries of each', 'events of each', 'events'),
  '|---|--:|--:|--:|--:|',
  ...rows.map((row) => cell(`\`${row.state}\``, row.visits, row.retries, row.events, row.visits * row.events)),
  ...bounded.map((one) =>
    cell(
      `\`${one.state}\`, ${one.error === undefined ? 'all its retries' : `retries of \`${one.error}\``}, of the whole execution`,
      '',
      one.retries,
      '',
      one.events,
    ),
  ),
  ...detours.map(({ states, passages, eventsOfEach, events: all }) =>
    cell(
      `${states.map((name) => `\`${name}\``).join(', ')}, and a visit more of the dearest state`,
      passages,
      '',
      eventsOfEach,
      all,
    ),
  ),
  cell('the execution begins and ends', '', '', '', 2),
  cell('**together**', '', '', '', `**${number(events)}**`),
];

const sectionOf = ({ name, bounds, worst }: Awaited<ReturnType<typeof histories>>[number]): string[] => [
  `## ${name}`,
  '',
  ...(bounds.loops.length + bounds.retries.length === 0 ? ['It has no loop.', ''] : []),
  ...bounds.loops.map(
    ({ state, visits, within, why }) =>
      `- The loop through \`${state}\`: at most ${number(visits)} times${within === undefined ? '' : `, each time round the loop through \`${within}\``}: ${why}.`,
  ),
  ...bounds.retries.map(
    ({ state, error, retries, why }) =>
      `- Retries of \`${state}\`${error === undefined ? '' : ` by \`${error}\``}: at most ${number(retries)} in all: ${why}.`,
  ),
  ...(bounds.detours ?? []).map(
    ({ states: [first = ''], passages, why }) =>
      `- Passages through \`${first}\`, after each of which the state that has failed is entered again: at most ${number(passages)} in all: ${why}.`,
  ),
  ...(bounds.loops.length + bounds.retries.length === 0 ? [] : ['']),
  ...tableOf(worst),
  '',
];

/** Returns the text of docs/histories.md. */
export async function historiesDocument(): Promise<string> {
  const all = await histories();
  return [
    '# Histories',
    '',
    '<!-- Written by scripts/histories.ts. -->',
    '',
    `Step Functions ends an execution whose history comes to ${number(MAX_EVENTS)} events, and no Catch sees that. This is the longest way through each state machine: every loop as often as its bound allows, and at each visit every retry that the state has. A state that is entered and left makes two events, each try of a Task three (four where it waits for its token), and a distributed Map four.`,
    '',
    cell('state machine', 'events', `of ${number(MAX_EVENTS)}`),
    '|---|--:|--:|',
    ...all.map(({ name, worst }) => cell(name, worst.events, `${Math.ceil((100 * worst.events) / MAX_EVENTS)} %`)),
    '',
    ...all.flatMap(sectionOf),
  ].join('\n');
}

/** Returns the current text of the file. */
export const writtenHistories = (): string => readFileSync(HISTORIES_FILE, 'utf8');

if (import.meta.main) {
  writeFileSync(HISTORIES_FILE, await historiesDocument());
  console.log('Wrote docs/histories.md.');
}
