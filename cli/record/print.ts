/** Prints what was recorded, what was not, and how to go on. */
import { counted, printable } from '../../lambdas/domain/text/text.ts';
import { option, shellCommand } from '../../lambdas/domain/text/shell.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { PROGRAM } from '../options.ts';
import { commandLines } from '../print/next.ts';
import { hanging, type Style } from '../text/style.ts';
import type { Reader } from './reader.ts';

/** Longer reasons repeat what the first sentences say. */
const MOST_CHARACTERS = 240;
const shortened = (why: string): string =>
  why.length > MOST_CHARACTERS ? `${why.slice(0, MOST_CHARACTERS - 1)}…` : why;

const countsOf = ({ accounts: [account], catalogue }: Scenario): string => {
  const cluster = account?.clusters[0];
  if (!account || !cluster) return '';
  const nodes =
    typeof cluster.nodes === 'number' ? cluster.nodes : cluster.nodes.reduce((sum, { count }) => sum + count, 0);
  const ofAddons = catalogue.reduce((sum, { recorded }) => sum + (recorded?.workloads?.length ?? 0), 0);
  return [
    counted(cluster.addons.length, 'add-on'),
    counted(cluster.associations.length, 'association'),
    counted(account.roles.length, 'role'),
    counted(cluster.workloads.length + ofAddons, 'workload'),
    counted(
      cluster.pods.reduce((sum, { count }) => sum + count, 0),
      'pod',
    ),
    counted(nodes, 'node'),
    counted(cluster.accessEntries?.length ?? 0, 'access entry', 'access entries'),
  ].join(', ');
};

export interface Summary {
  scenario: Scenario;
  reader: Pick<Reader, 'unread' | 'actions' | 'verbs'>;
  /** The file; undefined for stdout. */
  out: string | undefined;
  withConfiguration: boolean;
}

/** Returns the lines for stderr. The last ones are commands to paste. */
export const summaryLines = ({ scenario, reader, out, withConfiguration }: Summary, style: Style): string[] => {
  const cluster = scenario.accounts[0]?.clusters[0];
  const file = out ?? 'twin.json';
  const about = option('--cluster', cluster?.name ?? '');
  const command = (name: string, ...words: string[]): string =>
    `${PROGRAM} ${shellCommand([name, ...about, ...words, ...option('--sandbox', file)])}`;
  const rights = [...reader.actions].sort();
  const verbs = [...reader.verbs].sort();
  const irsa = cluster?.addons.find(({ serviceAccountRoleArn }) => serviceAccountRoleArn !== undefined)?.name;
  const next = [
    { why: 'To plan what is on the twin', command: command('plan') },
    ...(irsa === undefined
      ? []
      : [{ why: 'To rehearse a migration on it', command: command('migrate', '--addon', irsa) }]),
  ];
  return [
    '',
    ...hanging(`${style.paint('bold', 'Recorded')}  `, `${countsOf(scenario)}.`, style),
    ...(withConfiguration
      ? []
      : hanging(
          '  ',
          'Configuration values are not included: in the rehearsal the add-ons have none, so checks of these values pass. Add --with-configuration to include them.',
          style,
        )),
    ...(reader.unread.length > 0
      ? [
          '',
          style.paint(['bold', 'yellow'], 'Not recorded'),
          ...reader.unread.flatMap(({ what, why, effect }) =>
            hanging('  ? ', printable(`${what}: ${effect}. ${shortened(why)}`), style),
          ),
        ]
      : []),
    '',
    ...hanging(`${style.paint('bold', 'Rights used')}  `, rights.join(', '), style),
    ...(verbs.length > 0 ? hanging('  in Kubernetes: ', verbs.join(', '), style) : []),
    '',
    ...next.flatMap((one) => commandLines(one, style)),
  ];
};
