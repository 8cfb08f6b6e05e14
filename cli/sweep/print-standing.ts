/** Output on the state of a sweep, and the list of sweeps. */
import { requesterText, sweepRequesterOf } from '../../lambdas/domain/approval/requester.ts';
import type { SweepRequest } from '../../lambdas/domain/sweep/request.ts';
import type { SweepSummary } from '../../lambdas/domain/sweep/model.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { shortfall } from '../../lambdas/domain/sweep/inspected.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { type Next, nextSection } from '../print/next.ts';
import { factsSection } from '../print/short-plan.ts';
import { factLines } from '../print/summary.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';
import { table } from '../print/table.ts';
import { knownCommand } from '../request.ts';
import type { SweepListFlags } from './options.ts';
import { askedText, MODES, standingText } from '../sweep-progress.ts';
import type { ListedSweeps } from '../service/sweep-calls.ts';

type Where = Parameters<typeof knownCommand>[2];

const FORMATS: Record<string, Format> = {
  running: 'cyan',
  paused: 'yellow',
  stopping: 'yellow',
  completed: 'green',
  incomplete: 'yellow',
  stopped: 'yellow',
  failed: 'red',
};
const stateOf = ({ status, outcome }: Pick<SweepStanding, 'status' | 'outcome'>): string =>
  status === 'ended' ? (outcome ?? 'ended') : status;
const painted = (state: string, style: Style): string => style.paint(FORMATS[state] ?? 'bold', state);

const phaseText: Record<SweepStanding['phase'], string> = {
  inventory: 'taking the inventory of the fleet',
  migrations: 'beginning what is ready, in waves',
  report: 'writing its report',
};

const aboutOf = ({
  mode,
  selection: { accounts, regions, clusters, clusterTags, addons, tagging },
}: Pick<SweepSummary['request'], 'mode' | 'selection'>): string => {
  const parts = [
    accounts ? `accounts ${accounts.join(', ')}` : 'all configured accounts',
    ...(regions ? [`regions ${regions.join(', ')}`] : []),
    ...(clusters ? [`clusters ${clusters.join(', ')}`] : []),
    ...Object.entries(clusterTags ?? {}).map(([key, value]) => `tag ${key}=${value}`),
    ...(addons ? [`add-ons ${addons.join(', ')}`] : []),
    ...(tagging === 'opt-in' ? ['only what is tagged include'] : []),
  ];
  return printable(`${MODES[mode]} of ${parts.join('; ')}`);
};

const nextOf = ({ sweepId, status, outcome, reports }: SweepStanding, isAlone: boolean, where: Where): Next[] => {
  const isOver = status === 'ended';
  return [
    ...(isAlone || outcome === 'stopped'
      ? [
          {
            why: isAlone ? 'To continue' : 'To continue with the rest',
            command: knownCommand('sweep resume', sweepId, where),
          },
        ]
      : []),
    ...(isOver || isAlone
      ? []
      : [
          { why: 'To show its progress again', command: knownCommand('sweep show', sweepId, where) },
          { why: 'To stop it', command: knownCommand('sweep stop', sweepId, where) },
        ]),
    ...(reports
      ? [
          {
            why: 'To write its report',
            command: `${knownCommand('sweep report', sweepId, where)} --report out.html`,
          },
        ]
      : []),
  ];
};

export const standingLines = (standing: SweepStanding, where: Where, style: Style): string[] => {
  const { sweepId, request, startedAt, endedAt, status, phase, executionStatus, command, cause, reports, failures } =
    standing;
  const isOver = status === 'ended';
  const short = shortfall(standing.inspected);
  const isAlone = !isOver && executionStatus !== undefined && executionStatus !== 'RUNNING';
  const progress = phase === 'inventory' ? '' : standingText({ ...standing, phase: 'migrations', status: 'running' });
  return [
    ...oneLine(`${painted(stateOf(standing), style)}  `, aboutOf(request), style),
    ...factLines(
      [
        sweepId,
        `started ${startedAt}`,
        ...(endedAt === undefined ? [] : [`ended ${endedAt}`]),
        printable(`by ${requesterText({ requester: sweepRequesterOf(standing), requestedBy: request.requestedBy })}`),
      ],
      style,
    ),
    ...(isOver ? [] : [`  ${phaseText[phase]}`]),
    ...(short === undefined ? [] : oneLine('  ', `${short}; the report names the rest`, style, 'yellow')),
    ...(progress === '' || request.mode === 'inventory' ? [] : hanging('  ', progress, style)),
    ...(failures > 0 && !isOver
      ? oneLine(
          '  ',
          `${failures} failed; the sweep stops at ${request.limits.stopAfterFailures} failures, or at ${request.limits.stopAtFailurePercent} percent`,
          style,
        )
      : []),
    ...(command ? hanging('  ', `${command.command} requested at ${command.at}${askedText(command)}`, style) : []),
    ...(cause ? hanging('  ', `${cause.name}: ${printable(cause.message)}`, style, 'red') : []),
    ...(isAlone
      ? oneLine('  ', `No execution works on it: its execution is ${executionStatus}.`, style, 'yellow')
      : []),
    ...(reports ? [`  s3://${reports.bucket}/${reports.html}, .json and .csv`] : []),
    ...nextSection(
      `${painted(stateOf(standing), style)} since ${endedAt ?? startedAt}.`,
      nextOf(standing, isAlone, where),
      style,
    ),
  ];
};

/** Returns what a sweep that migrates would do, before it starts. */
export const startLines = ({ mode, selection, limits, options }: SweepRequest, style: Style): string[] =>
  factsSection(
    'Migrate in waves what the inventory finds ready',
    [
      { name: 'selection', values: [aboutOf({ mode, selection })] },
      {
        name: 'pace',
        values: [
          `first wave ${limits.canary}, at most ${limits.concurrency} at a time, ${limits.perAccount} per account, ${limits.perRegion} per region`,
        ],
      },
      {
        name: 'stops',
        values: [`at ${limits.stopAfterFailures} failures, or at ${limits.stopAtFailurePercent} percent`],
      },
      {
        name: 'disruption',
        values: [
          `strategy ${options.strategy}${options.maxDisruption === undefined ? '' : `, at most ${options.maxDisruption}`}`,
        ],
      },
    ],
    style,
  );

export const listLines = (
  { sweeps, more }: ListedSweeps,
  { limit }: Pick<SweepListFlags, 'limit'>,
  style: Style,
): string[] => {
  if (sweeps.length === 0) return ['No sweeps found.'];
  return [
    ...table<SweepSummary>(
      sweeps,
      [
        { title: 'SWEEP', value: ({ sweepId }) => sweepId, whole: true },
        { title: 'STARTED', value: ({ startedAt }) => `${startedAt.slice(0, 19)}Z`, whole: true, optional: true },
        { title: 'STATE', value: (one) => painted(stateOf(one), style) },
        { title: 'SELECTION', value: ({ request }) => aboutOf(request) },
      ],
      style,
      '',
    ),
    ...(more ? ['', `Only the newest ${sweeps.length} are shown: raise --limit (${limit}).`] : []),
  ];
};
