/** Output on the state of a sweep, and the list of sweeps. */
import { requesterText, sweepRequesterOf } from '../../lambdas/domain/approval/requester.ts';
import type { SweepSummary } from '../../lambdas/domain/sweep/model.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { type Format, hanging, type Style } from '../print/style.ts';
import { table } from '../print/table.ts';
import { knownCommand } from '../request.ts';
import type { SweepListFlags } from './options.ts';
import { askedText, MODES, standingText } from './progress.ts';
import type { ListedSweeps } from './calls.ts';

type Where = Parameters<typeof knownCommand>[2];

const FORMATS: Record<string, Format> = {
  running: 'cyan',
  paused: 'yellow',
  stopping: 'yellow',
  completed: 'green',
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
}: SweepSummary['request']): string => {
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

export const standingLines = (standing: SweepStanding, where: Where, style: Style): string[] => {
  const {
    sweepId,
    request,
    startedAt,
    endedAt,
    status,
    outcome,
    phase,
    executionStatus,
    command,
    cause,
    reports,
    failures,
  } = standing;
  const isOver = status === 'ended';
  const isAlone = !isOver && executionStatus !== undefined && executionStatus !== 'RUNNING';
  const progress = phase === 'inventory' ? '' : standingText({ ...standing, phase: 'migrations', status: 'running' });
  return [
    `${painted(stateOf(standing), style)}  ${aboutOf(request)}`,
    `  ${style.paint('dim', [sweepId, `started ${startedAt}`, ...(endedAt === undefined ? [] : [`ended ${endedAt}`]), printable(`by ${requesterText({ requester: sweepRequesterOf(standing), requestedBy: request.requestedBy })}`)].join(' · '))}`,
    ...(isOver ? [] : [`  ${phaseText[phase]}`]),
    ...(progress === '' || request.mode === 'inventory' ? [] : hanging('  ', progress, style)),
    ...(failures > 0 && !isOver
      ? [
          `  ${failures} failed; the sweep stops at ${request.limits.stopAfterFailures} failures, or at ${request.limits.stopAtFailurePercent} percent`,
        ]
      : []),
    ...(command ? hanging('  ', `${command.command} requested at ${command.at}${askedText(command)}`, style) : []),
    ...(cause ? hanging('  ', `${cause.name}: ${printable(cause.message)}`, style, 'red') : []),
    ...(isAlone
      ? [
          ...hanging(
            '  ',
            `No execution works on it: its execution is ${executionStatus}. To continue:`,
            style,
            'yellow',
          ),
          `    ${knownCommand('sweep resume', sweepId, where)}`,
        ]
      : []),
    ...(outcome === 'stopped' ? [`  To continue with the rest: ${knownCommand('sweep resume', sweepId, where)}`] : []),
    ...(reports
      ? [
          `  To write its report: ${knownCommand('sweep report', sweepId, where)} --report out.html`,
          `    s3://${reports.bucket}/${reports.html}, .json and .csv`,
        ]
      : []),
  ];
};

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
        { title: 'SWEEP', value: ({ sweepId }) => sweepId },
        { title: 'STARTED', value: ({ startedAt }) => `${startedAt.slice(0, 19)}Z` },
        { title: 'STATE', value: (one) => painted(stateOf(one), style) },
        { title: 'SELECTION', value: ({ request }) => aboutOf(request) },
      ],
      style,
      '',
    ),
    ...(more ? ['', `Only the newest ${sweeps.length} are shown: raise --limit (${limit}).`] : []),
  ];
};
