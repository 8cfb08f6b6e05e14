/** The commands to go on with after a plan that was made without a deployed service. */
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { PROGRAM } from '../options.ts';
import type { Style } from '../print/style.ts';
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

/** Returns how to rehearse the plan, and how to carry it out. */
export const nextLines = (
  report: MigrationReport,
  single: Exclude<PlanFlags, { of: 'cluster' }>,
  style: Style,
): string[] =>
  report.outcome === 'planned'
    ? [
        '',
        'Nothing was changed. To rehearse the migration on a twin of this cluster:',
        `  ${style.paint('bold', recordCommand(single.flags))}`,
        `  ${style.paint('bold', commandFor(single, { sandbox: TWIN }))}`,
        'To carry it out, deploy the service (docs/configuration.md), then:',
        `  ${style.paint('bold', `${commandFor(single, { deployed: true })}${single.flags.region === undefined ? '' : ` --region ${single.flags.region}`}`)}`,
      ]
    : [];
