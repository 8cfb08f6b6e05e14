/** Shows live progress of a sweep on stderr: a line for each phase, with its progress below it. */
import type { SweepStanding } from '../lambdas/domain/sweep/standing.ts';
import type { Output } from './io.ts';
import { duration } from './text/duration.ts';
import { drawTask, type Progress } from './progress.ts';
import { printable } from '../lambdas/domain/text/text.ts';
import type { SweepWatcher } from './service/sweep-follow.ts';
import type { LocationsDone } from './service/sweep-calls.ts';

export type SweepProgress = SweepWatcher & Pick<Progress, 'close'>;

export const silentSweep: SweepProgress = { update: () => {}, close: () => Promise.resolve() };

type Phase = SweepStanding['phase'];
const PHASES: readonly Phase[] = ['inventory', 'migrations', 'report'];

const titleOf = (phase: Phase, { request: { mode } }: SweepStanding): string => {
  if (phase === 'inventory') return 'Take the inventory';
  if (phase === 'report') return 'Write the report';
  return mode === 'plan' ? 'Plan what is ready' : 'Migrate in waves';
};

/** The mode of a sweep as a noun. */
export const MODES: Record<SweepStanding['request']['mode'], string> = {
  inventory: 'inventory',
  plan: 'plan',
  migrate: 'migration',
};

/** `3 migrated, 1 rolled-back`. */
const outcomesText = (ended: SweepStanding['tally']['ended']): string =>
  Object.entries(ended)
    .map(([outcome, n]) => `${n} ${outcome === 'none' ? 'without an outcome' : outcome}`)
    .join(', ');

const locationsText = (n: number): string => `${n} ${n === 1 ? 'location' : 'locations'}`;

/** Returns who requested a command, and why. */
export const askedText = ({ by, reason }: NonNullable<SweepStanding['command']>): string =>
  printable(`${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : ` (${reason})`}`);

/** Returns how the sweep's migrations have ended, once none is running. */
const endedText = ({ tally: { queued, ended } }: SweepStanding): string =>
  [outcomesText(ended), ...(queued > 0 ? [`${queued} not begun`] : [])].filter((text) => text !== '').join(', ') ||
  'nothing was ready';

/** Returns the progress in one line; an empty text if there is none yet. */
export const standingText = (
  { phase, status, command, tally, wave }: SweepStanding,
  locations?: LocationsDone,
): string => {
  if (phase === 'inventory') return locations ? `${locations.done} of ${locationsText(locations.total)} read` : '';
  if (phase === 'report') return '';
  const state = status === 'running' ? [] : [`${status}${command ? askedText(command) : ''}`];
  const counts = [`${tally.inFlight} running`, `${tally.queued} waiting`, outcomesText(tally.ended)].filter(
    (text) => text !== '',
  );
  return [
    ...state,
    ...(wave ? [`wave ${wave.number}, at most ${wave.size} migration${wave.size === 1 ? '' : 's'}`] : []),
    counts.join(', '),
  ].join(': ');
};

interface Line {
  task?: { title: string; output: string };
  text: string;
  /** The final text, if it differs from the last progress. */
  whole?: string;
  since: number;
  title: string;
  finish(title: string): void;
}

/** Starts the progress. `now`: time in the sweep's world, milliseconds. Without a terminal, prints a line per change. */
export const startSweepProgress = (
  output: Output,
  { simulated, now }: { simulated: boolean; now: () => number },
): SweepProgress => {
  if (output.detail === 'quiet') return silentSweep;
  const lines = new Map<Phase, Line>();
  let drawn = Promise.resolve();

  const begin = (phase: Phase, standing: SweepStanding): Line => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const line: Line = { text: '', since: now(), title: titleOf(phase, standing), finish: resolve };
    lines.set(phase, line);
    drawn = drawn.then(() =>
      drawTask(output, line.title, async (task) => {
        line.task = task;
        if (line.text !== '') task.output = line.text;
        task.title = await promise;
      }),
    );
    return line;
  };
  const end = (line: Line): void =>
    line.finish(
      `${line.title} (${duration(now() - line.since)}${simulated ? ' simulated' : ''}${(line.whole ?? line.text) === '' ? '' : `: ${line.whole ?? line.text}`})`,
    );

  return {
    update(standing, locations) {
      const at = PHASES.indexOf(standing.phase);
      for (const phase of PHASES.slice(0, at)) {
        const before = lines.get(phase);
        if (!before) continue;
        if (phase === 'migrations') before.whole = endedText(standing);
        end(before);
      }
      const line = lines.get(standing.phase) ?? begin(standing.phase, standing);
      const text = standingText(standing, locations);
      if (locations) line.whole = locationsText(locations.total);
      if (text !== '' && text !== line.text) {
        line.text = text;
        if (line.task) line.task.output = text;
      }
      if (standing.status === 'ended') end(line);
    },
    close() {
      for (const line of lines.values()) line.finish(`${line.title} (still running)`);
      return drawn;
    },
  };
};
