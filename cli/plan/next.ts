/** The commands to go on with after a plan that was made without a deployed service. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { PROGRAM } from '../options.ts';
import { type Next, planAgain, PREPARE } from '../print/next.ts';
import { migrateCommand, migrateWorkloadCommand } from '../request.ts';
import type { PlanFlags } from './options.ts';

/** The file that the printed commands write the twin to. */
export const TWIN = 'twin.json';

interface Where {
  cluster: string;
  profile?: string | undefined;
  region?: string | undefined;
}

/** Returns the command that records a cluster. */
export const recordCommand = ({ cluster, profile, region }: Where): string =>
  [
    `${PROGRAM} record --cluster ${cluster}`,
    ...(profile === undefined ? [] : [`--profile ${shellWord(profile)}`]),
    ...(region === undefined ? [] : [`--region ${region}`]),
    `> ${TWIN}`,
  ].join(' ');

const commandFor = (
  single: Exclude<PlanFlags, { of: 'cluster' }>,
  where: { sandbox?: string; deployed?: boolean },
): string =>
  single.of === 'add-on'
    ? migrateCommand({ ...single.flags, ...where, account: undefined, region: undefined })
    : migrateWorkloadCommand({ ...single.flags, ...where, account: undefined, region: undefined });

/** Returns the commands after a plan: how to rehearse it and how to carry it out, or how to plan again. */
export const nextAfterPlan = (
  report: Pick<MigrationReport, 'outcome' | 'handOff' | 'plan'>,
  single: Exclude<PlanFlags, { of: 'cluster' }>,
): Next[] => {
  const { outcome, handOff } = report;
  const { cluster, profile, region } = single.flags;
  const inRegion = region === undefined ? [] : [`--region ${region}`];
  const again = commandFor(single, {}).replace(/ migrate(?:-workload)? /, ' plan ');
  const as = profile === undefined ? [] : [`--profile ${shellWord(profile)}`];
  const plan = [again, ...inRegion, ...as].join(' ');
  if (outcome === 'blocked') return planAgain(plan, report);
  if (outcome !== 'planned') return [];
  return [
    ...(handOff === undefined || single.flags.handOff ? [] : [{ why: PREPARE, command: `${plan} --hand-off` }]),
    {
      why: 'To rehearse the migration on a twin of this cluster',
      command: [recordCommand({ cluster, profile, region }), commandFor(single, { sandbox: TWIN })],
    },
    {
      why: 'To carry it out, deploy the service (docs/configuration.md), then',
      command: [commandFor(single, { deployed: true }), ...inRegion].join(' '),
    },
  ];
};
