/** Converts the flags of a sweep back to the command to type. */
import type { SweepMode } from '../../lambdas/domain/sweep/request.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { PROGRAM } from '../options.ts';
import { backendFlags } from '../request.ts';
import type { SweepFlags } from './options.ts';

const flag = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Flags whose typed form is their value, or a list of it. */
const PLAIN = [
  'account',
  'region',
  'cluster',
  'addon',
  'tagging',
  'canary',
  'concurrency',
  'perAccount',
  'perRegion',
  'stopAfter',
  'stopAtPercent',
  'strategy',
  'maxDisruption',
  'maxDurationMinutes',
  'resolveConflicts',
  'trust',
  'accept',
  'iac',
  'verification',
  'agent',
  'window',
  'windowMinutes',
  'windowZone',
  'windowWaitHours',
  'callsPerSecond',
  'reason',
  'seed',
] as const satisfies readonly (keyof SweepFlags)[];

/** Returns the command that makes the same sweep in another mode. */
export const sweepCommand = (flags: SweepFlags, mode: SweepMode): string =>
  [
    `${PROGRAM} sweep --mode ${mode}`,
    ...PLAIN.flatMap((name) => [flags[name] ?? []].flat().map((value) => `${flag(name)} ${shellWord(String(value))}`)),
    ...flags.clusterTag.map(([key, value]) => `--cluster-tag ${shellWord(`${key}=${value}`)}`),
    ...(flags.preserve ? ['--preserve'] : []),
    ...(flags.approval === 'required' ? ['--approval required'] : []),
    ...backendFlags({
      sandbox: flags.sandbox,
      state: flags.state,
      ...(flags.deployed === undefined ? {} : { deployed: flags.deployed }),
    }),
  ].join(' ');
