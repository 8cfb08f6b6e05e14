/** What the table and the Markdown of a cluster's plan have in common. */
import { counted } from '../../lambdas/domain/text/text.ts';
import type { ITEM_IDENTITIES, ITEM_VERDICTS, Overview, OverviewItem } from '../../lambdas/domain/overview/model.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { PROGRAM } from '../options.ts';
import { duration } from '../text/duration.ts';
import { backendFlags } from '../request.ts';
import { recordCommand, TWIN } from './next.ts';
import type { ClusterPlanFlags } from './options.ts';

export const VERDICTS: Record<(typeof ITEM_VERDICTS)[number], string> = {
  migrate: 'can migrate',
  blocked: 'blocked',
  'keep-irsa': 'keep IRSA',
  unknown: 'unknown',
  migrated: 'done',
  'nothing-to-migrate': 'no IRSA role',
};
export const IDENTITIES: Record<(typeof ITEM_IDENTITIES)[number], string> = {
  irsa: 'irsa',
  'pod-identity': 'pod-identity',
  both: 'both',
  'node-role': 'node role',
  none: 'none',
  unknown: 'unknown',
};

export const forecastText = ({ forecastSeconds }: OverviewItem): string =>
  forecastSeconds === undefined ? '' : duration(forecastSeconds * 1000);

/** Returns the first attempt, with the number of those that may follow. */
export const strategyText = ({ attempts: [first = '', ...others] }: OverviewItem): string =>
  others.length > 0 ? `${first} (+${others.length})` : first;

/** Returns the counts in one sentence. */
export const countsText = ({ items, counts }: Overview): string => {
  const of = (kind: OverviewItem['kind'], what: string): string =>
    counted(items.filter((one) => one.kind === kind).length, what);
  const parts = [
    `${counts.migrate} can migrate`,
    `${counts.blocked} blocked`,
    ...(counts['keep-irsa'] > 0 ? [`${counts['keep-irsa']} to keep IRSA`] : []),
    ...(counts.unknown > 0 ? [`${counts.unknown} unknown`] : []),
    `${counts.migrated} done`,
    `${counts['nothing-to-migrate']} without an IRSA role`,
  ];
  return `${of('add-on', 'add-on')}, ${of('service-account', 'service account')}: ${parts.join(', ')}.`;
};

export interface Command {
  what: string;
  commands: string[];
}

/** Returns the commands to go on with: the plan of one item, the rehearsal, and the migration. */
export const nextCommands = ({ items, target }: Overview, flags: ClusterPlanFlags): Command[] => {
  const { profile, region, account } = flags;
  const words = [
    ...(account === undefined ? [] : [`--account ${account}`]),
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...(profile === undefined ? [] : [`--profile ${shellWord(profile)}`]),
    ...backendFlags(flags),
  ];
  const nameWords = ({ kind, name }: OverviewItem): string => {
    const [namespace = '', ofNamespace = ''] = name.split('/');
    return kind === 'add-on' ? `--addon ${name}` : `--namespace ${namespace} --service-account ${ofNamespace}`;
  };
  const ready = items.find(({ verdict }) => verdict === 'migrate');
  const shown = ready ?? ['blocked', 'keep-irsa'].flatMap((wanted) => items.filter((one) => one.verdict === wanted))[0];
  if (!shown) return [];
  const about = `--cluster ${target.cluster} ${nameWords(shown)}`;
  const migrate = shown.kind === 'add-on' ? 'migrate' : 'migrate-workload';
  const inSandbox = flags.sandbox !== undefined || flags.state !== undefined;
  return [
    { what: 'All checks and the steps of one of them', commands: [[`${PROGRAM} plan ${about}`, ...words].join(' ')] },
    ...(ready === undefined
      ? []
      : inSandbox
        ? [{ what: 'To migrate it', commands: [[`${PROGRAM} ${migrate} ${about}`, ...words].join(' ')] }]
        : [
            {
              what: 'To rehearse its migration on a twin of this cluster',
              commands: [
                recordCommand({ ...flags, cluster: target.cluster }),
                `${PROGRAM} ${migrate} ${about} --sandbox ${TWIN}`,
              ],
            },
          ]),
  ];
};
