import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { PodEvidence, PodIdentity } from '../../lambdas/domain/terms/evidence.ts';
import { timeOfDay } from '../text/duration.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';
import { table } from './table.ts';

const COLOURS: Record<PodIdentity, Format> = {
  'pod-identity': 'green',
  irsa: 'yellow',
  'node-role': 'yellow',
  mixed: 'red',
  unknown: 'red',
  'not-applicable': 'dim',
};

/** Returns the identity of a pod, or `irsa → node-role` if its service account loses its identity. */
const identityText = ({ identity, loss, excluded }: PodEvidence): string =>
  `${loss ? `${loss.from} → ${loss.to}` : identity}${excluded === undefined ? '' : ', excluded'}`;
const colourOf = ({ identity, loss }: PodEvidence): Format => (loss ? 'red' : COLOURS[identity]);

interface PodRow {
  pod: PodEvidence;
  before: string;
}

const key = (pod: PodEvidence): string => `${pod.namespace}/${pod.serviceAccount}`;

/** Returns one row per pod that exists now. A new pod shows the identity of the earlier pods of its service account. */
export const podRows = (before: readonly PodEvidence[], now: readonly PodEvidence[]): PodRow[] =>
  [...now]
    .sort((a, b) => key(a).localeCompare(key(b)) || a.name.localeCompare(b.name))
    .map((pod) => {
      const same = before.find((other) => other.uid === pod.uid);
      const earlier = same ? [same] : before.filter((other) => key(other) === key(pod));
      return { pod, before: [...new Set(earlier.map((other) => other.identity))].join(', ') || 'no pod' };
    });

/** Describes the last observation of the pods. After needs-human, it may be older than the current state. */
const LOOKED: Record<Outcome, { before: string; after: string; now: string }> = {
  migrated: { before: 'before the change', after: 'configured source of the AWS credentials of each', now: 'NOW' },
  'already-migrated': { before: 'current state', after: 'current state', now: 'NOW' },
  planned: { before: 'current state', after: 'current state', now: 'NOW' },
  blocked: { before: 'current state', after: 'current state', now: 'NOW' },
  'rolled-back': {
    before: 'before the migration',
    after: 'configured source of the AWS credentials of each after the rollback',
    now: 'NOW',
  },
  'needs-human': {
    before: 'before the migration: check their current state before you continue',
    after: 'last known state: check their current state before you continue',
    now: 'LAST SEEN',
  },
};

/**
 * Returns how each pod is configured to get its AWS credentials, before and now, and since when, with the level of
 * evidence and the evidence itself.
 */
export const podsSection = (
  { outcome, verified, verification }: Pick<MigrationReport, 'outcome' | 'verified' | 'verification'>,
  style: Style,
): string[] => {
  const { before, pods } = verification;
  const looked =
    verified === 'api'
      ? { ...LOOKED[outcome], before: 'before the migration; no pod was read after it' }
      : LOOKED[outcome];
  const title = (text: string): string[] => ['', ...oneLine(`${style.paint('bold', 'Pods')}  `, text, style)];
  if (before.length === 0 && pods.length === 0) return [];
  if (pods.length === 0)
    return [
      ...title(looked.before),
      ...podTable(
        before.map((pod) => ({ pod, before: '' })),
        style,
      ),
    ];
  const gone = before.filter((pod) => !pods.some((other) => other.uid === pod.uid)).map((pod) => pod.name);
  return [
    ...title(looked.after),
    ...podTable(podRows(before, pods), style, { now: looked.now, levels: outcome !== 'rolled-back' }),
    ...(gone.length > 0 ? hanging('  replaced: ', gone.join(', '), style, 'dim') : []),
    ...leftOut(pods, style),
    ...evidence(pods, style),
  ];
};

/** Columns that a table with the namespace of each pod takes. */
const ROOMY = 110;

/** Returns the namespace of all pods, if there is little room to repeat it. */
const sharedNamespace = (rows: readonly PodRow[], { lineWidth }: Style): string | undefined => {
  const [one, ...others] = new Set(rows.map(({ pod }) => pod.namespace));
  return lineWidth < ROOMY && others.length === 0 ? one : undefined;
};

/**
 * Returns the table of pods. `now`: title of the column of the current identity, if there is a `before` to compare.
 * `levels`: whether levels are shown; those of a rollback are about the former identity.
 */
const podTable = (
  rows: readonly PodRow[],
  style: Style,
  { now, levels = false }: { now?: string; levels?: boolean } = {},
): string[] => {
  const shared = sharedNamespace(rows, style);
  const identity = (pod: PodEvidence): string => style.paint(colourOf(pod), identityText(pod));
  return table(
    rows,
    [
      shared === undefined
        ? { title: 'POD', value: ({ pod }) => `${pod.namespace}/${pod.name}` }
        : { title: `POD (${shared})`, value: ({ pod }) => pod.name },
      { title: 'SERVICE ACCOUNT', value: ({ pod }) => pod.serviceAccount, optional: true },
      ...(now ? [{ title: 'BEFORE', value: ({ before }: PodRow) => before, whole: true as const }] : []),
      {
        title: now ?? 'CREDENTIALS',
        value: ({ pod }) => `${identity(pod)}${pod.ready ? '' : style.paint('red', ' (not ready)')}`,
        whole: true,
      },
      ...(levels && rows.some(({ pod }) => pod.level !== undefined)
        ? [
            {
              title: 'LEVEL',
              value: ({ pod }: PodRow) => pod.level ?? '',
              whole: true as const,
              optional: 'least' as const,
            },
          ]
        : []),
      {
        title: 'CREATED',
        value: ({ pod }) => `${pod.createdAt.slice(0, 10)} ${timeOfDay(pod.createdAt)}`,
        whole: true,
        optional: true,
      },
    ],
    style,
  );
};

/** Returns the pods that do not count for the verification although their service accounts migrate, with reasons. */
const leftOut = (pods: readonly PodEvidence[], style: Style): string[] =>
  pods.flatMap(({ namespace, name, excluded }) =>
    excluded === undefined ? [] : hanging(`  excluded: `, `${namespace}/${name} is ${excluded}`, style, 'dim'),
  );

/** Returns the evidence, with one line for all pods that have the same. */
const evidence = (pods: readonly PodEvidence[], style: Style): string[] => {
  const counted = pods
    .filter((pod) => pod.identity !== 'not-applicable' || pod.loss !== undefined)
    .filter(({ excluded }) => excluded === undefined);
  return [...new Set(counted.map((pod) => pod.evidence))].flatMap((text) => {
    const n = counted.filter((pod) => pod.evidence === text).length;
    return hanging(`  evidence (${n} pod${n === 1 ? '' : 's'}): `, text, style, 'dim');
  });
};
