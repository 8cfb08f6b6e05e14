/** Converts flags to the request for a sweep. */
import { isDeepStrictEqual } from 'node:util';
import type { Sweep } from '../../lambdas/domain/sweep/model.ts';
import { sweepRequest, type SweepRequest, type SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import type { SweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { CliError } from '../errors.ts';
import { windowFrom } from '../wait-fields.ts';
import type { SweepFlags } from './options.ts';

const regionsOf = ({ accounts, home }: Scenario): string[] =>
  [
    ...new Set([
      ...accounts.flatMap(({ clusters }) => clusters.map(({ region }) => region)),
      ...(home ? [home.region] : []),
    ]),
  ].sort();

/**
 * Returns the accounts and regions of a sweep in a sandbox: by default, all those of its scenario. A deployment has
 * its own in its configuration.
 */
const locationsIn = (
  { account, region }: SweepFlags,
  scenario: Scenario,
): { accounts: string[]; regions: string[] } => {
  const known = scenario.accounts.map(({ id }) => id);
  const [unknown] = (account ?? []).filter((id) => !known.includes(id));
  if (unknown !== undefined)
    throw new CliError(
      'UnknownAccount',
      `--account ${unknown} is not in the scenario`,
      `Its accounts: ${known.join(', ')}`,
    );
  return { accounts: account ?? known, regions: region ?? regionsOf(scenario) };
};

const given = <Value extends object>(values: Value): { [Name in keyof Value]?: NonNullable<Value[Name]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Value]?: NonNullable<Value[Name]>;
  };

/** Returns the options of each migration. */
const optionsFrom = (flags: SweepFlags): SweepRequestInput['options'] => {
  const { strategy, preserve, maxDisruption, maxDurationMinutes, resolveConflicts, trust } = flags;
  const { accept, iac, verification, agent, approval } = flags;
  return {
    ...given({
      strategy,
      preserve,
      maxDisruption,
      maxDurationMinutes,
      resolveConflicts,
      trust,
      accept,
      iac,
      verification,
      agent,
      approval,
    }),
    ...windowFrom(flags),
  };
};

/** Returns the request. `scenario`: that of a sandbox. Throws a CliError for an unknown account. */
export const requestFrom = (flags: SweepFlags, requestedBy: string, scenario: Scenario | undefined): SweepRequest => {
  const { mode, account, region, cluster, clusterTag, addon, tagging } = flags;
  const { canary, concurrency, perAccount, perRegion, stopAfter, stopAtPercent, callsPerSecond, reason } = flags;
  const request: SweepRequestInput = {
    mode,
    selection: given({
      ...(scenario ? locationsIn(flags, scenario) : { accounts: account, regions: region }),
      clusters: cluster,
      clusterTags: clusterTag.length > 0 ? Object.fromEntries(clusterTag) : undefined,
      addons: addon,
      tagging,
    }),
    limits: given({
      canary,
      concurrency,
      perAccount,
      perRegion,
      stopAfterFailures: stopAfter,
      stopAtFailurePercent: stopAtPercent,
    }),
    options: optionsFrom(flags),
    ...given({ callsPerSecond, reason }),
    ...(requestedBy === '' ? {} : { requestedBy }),
  };
  return sweepRequest.parse(request);
};

/** Throws a CliError if the two sweeps are not comparable. */
export const checkPrevious = (file: string, previous: SweepReport, request: SweepRequest): void => {
  if (isDeepStrictEqual(previous.request.selection, request.selection)) return;
  throw new CliError(
    'OtherSelection',
    `--previous ${file} is the report of a sweep with another selection, so its totals are not comparable`,
    'Name a report of a sweep with the same accounts, regions, clusters, tags and add-ons, or omit it',
  );
};

/** Returns the record that a ledger would have of a report's sweep. */
export const recordOf = (
  { sweepId, request, startedAt, endedAt, outcome, at }: SweepReport,
  reports: NonNullable<Sweep['reports']>,
): Sweep => ({
  sweepId,
  request,
  status: 'ended',
  phase: 'report',
  startedAt,
  endedAt: endedAt ?? at,
  outcome: outcome ?? 'completed',
  executions: 1,
  failed: [],
  ended: 0,
  reports,
});
