/** Output of `identities`: the workloads by namespace, what blocks Pod Identity for them, and what to do next. */
import {
  type IdentitiesReport,
  type Source,
  type UsedRole,
  type WorkloadIdentity,
  SOURCES,
} from '../../lambdas/domain/identities/model.ts';
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import { counted, printable } from '../../lambdas/domain/text/text.ts';
import { remedyLines } from '../text/remedy.ts';
import { type Format, hanging, type Style, visibleWidth } from '../text/style.ts';
import { foldText } from '../print/table.ts';

const COLOURS: Record<Source, Format> = {
  'pod-identity': 'green',
  irsa: 'yellow',
  mixed: 'red',
  'static-keys': 'red',
  'node-role': 'yellow',
  none: 'dim',
  unknown: 'red',
};
const MARKS: Record<Check['status'], { mark: string; format: Format }> = {
  fail: { mark: '✖', format: 'red' },
  unknown: { mark: '?', format: 'yellow' },
  warn: { mark: '!', format: 'yellow' },
  pass: { mark: '✔', format: 'green' },
};

/** Maximum columns of a line: fits two windows side by side, and most mails. */
const WIDEST = 100;
/** Maximum columns of names; longer names continue on the next line. */
const MOST = { workload: 36, serviceAccount: 26 };
/** Columns of the rest of a row: indentation, gaps, PODS, CREDENTIALS and SINCE. */
const REST = 36;

/** Returns the columns for names on a line of that width. */
const roomFor = (width: number): typeof MOST => {
  const workload = Math.min(MOST.workload, Math.ceil((width - REST) * 0.58));
  return { workload, serviceAccount: Math.min(MOST.serviceAccount, width - REST - workload) };
};

const LABELS: Record<Source, string> = {
  'pod-identity': 'on pod-identity',
  irsa: 'on irsa',
  mixed: 'mixed',
  'static-keys': 'on static keys',
  'node-role': 'on the node role',
  none: 'without credentials',
  unknown: 'unknown',
};
const countsText = (counts: Partial<Record<Source, number>>): string =>
  SOURCES.flatMap((source) => (counts[source] === undefined ? [] : [`${counts[source]} ${LABELS[source]}`])).join(', ');

const roleLine = (
  { by, roleArn, pods }: UsedRole,
  { association, annotatedRole, pods: { total } }: WorkloadIdentity,
): string => {
  const of = pods < total ? `, ${counted(pods, 'pod')}` : '';
  if (by === 'association')
    return roleArn === undefined
      ? `none: its association is gone${of}`
      : `${roleArn} (association ${association?.id ?? ''} since ${association?.createdAt.slice(0, 10) ?? ''}${of})`;
  if (by === 'target') return `${roleArn ?? ''} (target of the association${of})`;
  if (by === 'node') return `${roleArn ?? 'node role'}${roleArn === undefined ? of : ` (of the node${of})`}`;
  return `${roleArn ?? ''}${annotatedRole === undefined || annotatedRole === roleArn ? '' : ` (annotated: ${annotatedRole})`}${of}`;
};

/**
 * Returns whether a check is shown with each workload. The agent's check is shown once above, and workloads without a
 * role of their own on one line below.
 */
const isShownWithWorkload = ({ id }: Check): boolean => id !== 'agent' && id !== 'own-role';

const checkLines = (check: Check, lead: string, style: Style): string[] => {
  const { mark, format } = MARKS[check.status];
  return [
    ...hanging(`${lead}${style.paint(format, mark)} `, `${check.id}: ${printable(check.message)}`, style),
    ...(check.remedy === undefined ? [] : remedyLines(`${lead}    do: `, printable(check.remedy), style)),
  ];
};

const detailLines = (workload: WorkloadIdentity, style: Style): string[] => {
  const { identity, roles, pods, example, obstacles } = workload;
  const lead = '      ';
  const node = roles.length === 1 && roles[0]?.by === 'node' && roles[0].roleArn === undefined;
  const told = ['mixed', 'unknown', 'static-keys'].includes(identity);
  return [
    ...(Object.keys(pods.by).length > 1 ? hanging(`${lead}pods: `, countsText(pods.by), style) : []),
    ...(node ? [] : roles.flatMap((role) => hanging(`${lead}role: `, printable(roleLine(role, workload)), style))),
    ...(told ? hanging(`${lead}seen: `, printable(`${example.evidence} (pod ${example.pod})`), style, 'dim') : []),
    ...obstacles.filter(isShownWithWorkload).flatMap((check) => checkLines(check, lead, style)),
  ];
};

/** Returns the table, with the details of each workload below its row. */
const tableLines = (workloads: readonly WorkloadIdentity[], style: Style): string[] => {
  const most = roomFor(style.width);
  const nameOf = ({ kind, name }: WorkloadIdentity): string => printable(`${kind}/${name}`);
  const widest = (title: string, texts: readonly string[], limit: number): number =>
    Math.min(limit, Math.max(title.length, ...texts.map((text) => text.length)));
  const titles = ['WORKLOAD', 'SERVICE ACCOUNT', 'PODS', 'CREDENTIALS', 'SINCE'] as const;
  const widths = [
    widest(titles[0], workloads.map(nameOf), most.workload),
    widest(
      titles[1],
      workloads.map(({ serviceAccount }) => serviceAccount),
      most.serviceAccount,
    ),
    widest(
      titles[2],
      workloads.map(({ pods }) => String(pods.total)),
      6,
    ),
    titles[3].length,
    titles[4].length,
  ];
  const line = (cells: readonly string[]): string =>
    `  ${cells
      .map((cell, index) => {
        const fill = ' '.repeat(Math.max(0, (widths[index] ?? 0) - visibleWidth(cell)));
        return index === 2 ? `${fill}${cell}` : `${cell}${fill}`;
      })
      .join('  ')}`.trimEnd();
  const namespaces = [...new Set(workloads.map(({ namespace }) => namespace))];
  return namespaces.flatMap((namespace) => [
    '',
    style.paint('bold', printable(namespace)),
    style.paint('dim', line(titles)),
    ...workloads
      .filter((workload) => workload.namespace === namespace)
      .flatMap((workload) => {
        const { serviceAccount, pods, identity, since } = workload;
        const [first = '', ...names] = foldText(nameOf(workload), most.workload);
        const [account = '', ...accounts] = foldText(serviceAccount, most.serviceAccount);
        const further = Array.from({ length: Math.max(names.length, accounts.length) }, (_, index) =>
          line([names[index] ?? '', accounts[index] ?? '']),
        );
        return [
          line([first, account, String(pods.total), style.paint(COLOURS[identity], identity), since.slice(0, 10)]),
          ...further,
          ...detailLines(workload, style),
        ];
      }),
  ]);
};

const nameOfWorkload = ({ namespace, kind, name }: WorkloadIdentity): string => `${namespace}/${kind}/${name}`;
/** Returns the first ten names, and the number of the others; `--json` has all. */
const list = (names: readonly string[]): string =>
  names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more (see --json)` : names.join(', ');

const trustedLines = ({ trustedRoles }: IdentitiesReport, style: Style): string[] => {
  if (trustedRoles === undefined) return [];
  if (trustedRoles.length === 0)
    return [
      '',
      ...hanging(
        '',
        'The roles of the account trust no service accounts through IRSA other than those annotated with them.',
        style,
      ),
    ];
  return [
    '',
    `${style.paint('bold', 'Roles that trust more service accounts')}  through IRSA, without an annotation or association`,
    ...trustedRoles.flatMap(({ roleArn, serviceAccounts }) => [
      `  ${roleArn}`,
      ...hanging(
        '      for: ',
        list(serviceAccounts.map(({ name, verdict }) => (verdict === 'allowed' ? name : `${name} (unknown)`))),
        style,
      ),
    ]),
  ];
};

/** Return the command that migrates an add-on, or a service account that belongs to no add-on. */
export interface MigrateCommands {
  addon: (name: string) => string;
  serviceAccount: (account: ServiceAccountRef) => string;
}

/**
 * Returns whether `migrate-workload` can migrate a workload: it belongs to no add-on, has its role by annotation, and
 * can be restarted.
 */
const isMovable = ({ addon, annotatedRole, kind }: IdentitiesReport['workloads'][number]): boolean =>
  addon === undefined && annotatedRole !== undefined && WORKLOAD_KINDS.some((one) => one === kind);

/** Returns the commands for add-ons and service accounts that can be migrated, and the names of the rest. */
const nextLines = ({ workloads }: IdentitiesReport, commands: MigrateCommands, style: Style): string[] => {
  const waiting = workloads.filter(
    ({ identity, roles, association, pods }) =>
      roles.some(({ by }) => by === 'irsa') ||
      (association !== undefined && identity !== 'pod-identity') ||
      pods.by['static-keys'] !== undefined,
  );
  const addons = [...new Set(waiting.flatMap(({ addon }) => (addon?.takesAssociation ? [addon.name] : [])))].sort();
  const movable = waiting.filter(isMovable);
  const accounts = [
    ...new Map(
      movable.map(({ namespace, serviceAccount: name }) => [`${namespace}/${name}`, { namespace, name }]),
    ).values(),
  ];
  const others = waiting.filter((one) => one.addon === undefined && !isMovable(one));
  const without = workloads.filter(({ obstacles }) => obstacles.some(({ id }) => id === 'own-role'));
  return [
    ...(others.length > 0
      ? [
          '',
          style.paint('bold', 'Not part of an add-on'),
          ...hanging(
            '  ',
            `${list(others.map(nameOfWorkload))}: follow the remedies above, then run this command again.`,
            style,
          ),
        ]
      : []),
    ...(without.length > 0
      ? [
          '',
          style.paint('bold', 'Without their own role'),
          ...hanging(
            '  ',
            `${list(without.map(nameOfWorkload))}: calls to AWS, if any, use the node role${without.some(({ pods }) => pods.by.none !== undefined) ? '; on Fargate they fail' : ''}.`,
            style,
          ),
        ]
      : []),
    ...(addons.length > 0
      ? [
          '',
          style.paint('bold', 'Add-ons that can be migrated'),
          ...addons.map((addon) => `  ${commands.addon(addon)}`),
        ]
      : []),
    ...(accounts.length > 0
      ? [
          '',
          style.paint('bold', 'Workloads that can be migrated'),
          ...accounts.map((account) => `  ${commands.serviceAccount(account)}`),
        ]
      : []),
  ];
};

export const identitiesLines = (report: IdentitiesReport, commands: MigrateCommands, given: Style): string[] => {
  const style = { ...given, width: Math.min(given.width, WIDEST) };
  const {
    target: { account, region, cluster },
    cluster: { version },
    agent,
    workloads,
    totals,
    unread,
    namespace,
  } = report;
  const where = `${cluster} (${account}, ${region}), Kubernetes ${version}${namespace === undefined ? '' : `, namespace ${namespace}`}`;
  return [
    ...hanging(`${style.paint('bold', 'Identities')}  `, where, style),
    ...checkLines(agent, '  ', style),
    ...(unread.length > 0
      ? [
          '',
          style.paint(['bold', 'yellow'], 'Not read'),
          ...unread.flatMap(({ what, why }) => hanging('  ? ', printable(`${what}: ${why}`), style)),
        ]
      : []),
    ...(workloads.length > 0 ? tableLines(workloads, style) : ['', 'No pods found.']),
    ...trustedLines(report, style),
    '',
    ...hanging(
      '',
      `${counted(totals.workloads, 'workload')} with ${counted(totals.pods, 'pod')}${workloads.length > 0 ? `: ${countsText(totals.byWorkloads)}` : ''}.`,
      style,
    ),
    ...nextLines(report, commands, style),
  ];
};
