/** What docs/conformance.md shows about the SDKs. */
import { existsSync, readFileSync } from 'node:fs';
import { table } from '../../scripts/schema-tables.ts';
import type { Outcome } from './outcome.ts';
import { type Counted, COUNTED_FILE } from './tally.ts';

const OUTCOMES: readonly Outcome[] = ['agent', 'irsa', 'node-role', 'static-keys', 'file', 'ecs', 'other', 'none'];
/** The most differences between SDKs that are shown. */
const MOST_DIFFERING = 12;

const number = (value: number): string => value.toLocaleString('en-US');

/** Returns the tables: what the SDKs did by what a container is called, and where they differ. */
const countedText = ({ pods, outcomes, differing }: Counted): string =>
  [
    `Pods by identity: ${Object.entries(pods)
      .map(([identity, count]) => `${number(count)} \`${identity}\``)
      .join(', ')}.`,
    table(
      ['container called', 'SDK', ...OUTCOMES],
      outcomes.map(({ called, sdk, counts }) => [
        `\`${called}\``,
        sdk,
        ...OUTCOMES.map((outcome) => number(counts[outcome] ?? 0)),
      ]),
    ),
    'Where the SDKs do not do the same although the spec shows everything, with the shortest example:',
    table(
      ['SDKs', 'container called', 'containers', 'example'],
      differing
        .slice(0, MOST_DIFFERING)
        .map(({ outcomes: text, called, containers, example }) => [text, `\`${called}\``, number(containers), example]),
    ),
  ].join('\n\n');

/** Returns the same of the kept results. */
export const keptCountedText = (): string =>
  existsSync(COUNTED_FILE)
    ? countedText(JSON.parse(readFileSync(COUNTED_FILE, 'utf8')) as Counted)
    : 'There are no results yet.';
