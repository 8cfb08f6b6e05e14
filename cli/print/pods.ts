import type { MigrationReport, Outcome, PodEvidence, PodIdentity } from '../../lambdas/domain/migration/model.ts';
import { timeOfDay } from './duration.ts';
import { hanging, type Format, type Style } from './style.ts';
import { table } from './table.ts';

const COLOURS: Record<PodIdentity, Format> = {
  'pod-identity': 'green',
  irsa: 'yellow',
  'node-role': 'yellow',
  mixed: 'red',
  unknown: 'red',
  'not-applicable': 'dim',
};

/** What a pod has, or `irsa → node-role` where its service account loses what it had. */
const identityText = ({ identity, loss, excluded }: PodEvidence): string =>
  `${loss ? `${loss.from} → ${loss.to}` : identity}${excluded === undefined ? '' : ', left out'}`;
const colourOf = ({ identity, loss }: PodEvidence): Format => (loss ? 'red' : COLOURS[identity]);

interface PodRow {
  pod: PodEvidence;
  before: string;
}

const key = (pod: PodEvidence): string => `${pod.namespace}/${pod.serviceAccount}`;

/** One row a pod of now. A pod that is new shows what the earlier pods of its service account had. */
export const podRows = (before: readonly PodEvidence[], now: readonly PodEvidence[]): PodRow[] =>
  [...now]
    .sort((a, b) => key(a).localeCompare(key(b)) || a.name.localeCompare(b.name))
    .map((pod) => {
      const same = before.find((other) => other.uid === pod.uid);
      const earlier = same ? [same] : before.filter((other) => key(other) === key(pod));
      return { pod, before: [...new Set(earlier.map((other) => other.identity))].join(', ') || 'no pod' };
    });

/**
 * What the last look at the pods stands for: one that a person has to go on from may be older than what is there now.
 */
const LOOKED: Record<Outcome, { before: string; after: string; now: string }> = {
  migrated: { before: 'as they were before', after: 'how each gets its AWS credentials', now: 'NOW' },
  'already-migrated': { before: 'as they are', after: 'as they are', now: 'NOW' },
  planned: { before: 'as they are', after: 'as they are', now: 'NOW' },
  blocked: { before: 'as they are', after: 'as they are', now: 'NOW' },
  'rolled-back': {
    before: 'as they were before the migration',
    after: 'how each gets its AWS credentials after the way back',
    now: 'NOW',
  },
  'needs-human': {
    before: 'as they were before the migration: look at them before you go on',
    after: 'as they were last seen: look at them before you go on',
    now: 'LAST SEEN',
  },
};

/** How each pod gets its AWS credentials, before and now, and since when; then the evidence for it. */
export const podsSection = (
  { outcome, verified, verification }: Pick<MigrationReport, 'outcome' | 'verified' | 'verification'>,
  style: Style,
): string[] => {
  const { before, pods } = verification;
  const looked =
    verified === 'api'
      ? { ...LOOKED[outcome], before: 'as they were before the migration; none was looked at after it' }
      : LOOKED[outcome];
  const title = (text: string): string[] => ['', `${style.paint('bold', 'Pods')}  ${text}`];
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
    ...podTable(podRows(before, pods), style, looked.now),
    ...(gone.length > 0 ? hanging('  replaced: ', gone.join(', '), style, 'dim') : []),
    ...leftOut(pods, style),
    ...evidence(pods, style),
  ];
};

/** `now`: what the pods' own column is called where there is a `before` to compare with. */
export const podTable = (rows: readonly PodRow[], style: Style, now?: string): string[] => {
  const identity = (pod: PodEvidence): string => style.paint(colourOf(pod), identityText(pod));
  return table(
    rows,
    [
      { title: 'POD', value: ({ pod }) => `${pod.namespace}/${pod.name}` },
      { title: 'SERVICE ACCOUNT', value: ({ pod }) => pod.serviceAccount },
      ...(now ? [{ title: 'BEFORE', value: ({ before }: PodRow) => before }] : []),
      {
        title: now ?? 'CREDENTIALS BY',
        value: ({ pod }) => `${identity(pod)}${pod.ready ? '' : style.paint('red', ' (not ready)')}`,
      },
      { title: 'POD SINCE', value: ({ pod }) => `${pod.createdAt.slice(0, 10)} ${timeOfDay(pod.createdAt)}` },
    ],
    style,
  );
};

/** Pods that do not count for the verification, though their service accounts migrate, with the reason of each. */
const leftOut = (pods: readonly PodEvidence[], style: Style): string[] =>
  pods.flatMap(({ namespace, name, excluded }) =>
    excluded === undefined ? [] : hanging(`  left out: `, `${namespace}/${name} is ${excluded}`, style, 'dim'),
  );

/** Pods that show the same evidence share a line. */
const evidence = (pods: readonly PodEvidence[], style: Style): string[] => {
  const counted = pods
    .filter((pod) => pod.identity !== 'not-applicable' || pod.loss !== undefined)
    .filter(({ excluded }) => excluded === undefined);
  return [...new Set(counted.map((pod) => pod.evidence))].flatMap((text) => {
    const n = counted.filter((pod) => pod.evidence === text).length;
    return hanging(`  evidence (${n} pod${n === 1 ? '' : 's'}): `, text, style, 'dim');
  });
};
