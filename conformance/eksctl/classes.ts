/** How the migrations ended, in classes. Pure. */
import type { Compared } from './kept.ts';
import type { OwnResult } from './own-run.ts';
import type { PeerResult } from './peer-run.ts';
import type { PodEnds } from './pods.ts';

export interface Class<Result> {
  title: string;
  has: (result: Result) => boolean;
}

const lost = ({ counts }: PodEnds): number => (counts['no-role'] ?? 0) + (counts.gone ?? 0);
const onIrsa = ({ counts }: PodEnds): number => counts.irsa ?? 0;

/** Each result belongs to the first class that has it. */
export const PEER_CLASSES: readonly Class<PeerResult>[] = [
  {
    title: 'Error after the OIDC statement was removed; pods without their role',
    has: ({ exitCode, ends }) => exitCode !== 0 && lost(ends) > 0,
  },
  { title: 'Exit code 0; pods without their role', has: ({ ends }) => lost(ends) > 0 },
  { title: 'Error; nothing was changed', has: ({ exitCode, changes }) => exitCode !== 0 && changes.length === 0 },
  { title: 'Error after changes; no pod without its role', has: ({ exitCode }) => exitCode !== 0 },
  { title: 'Exit code 0; nothing was changed', has: ({ changes }) => changes.length === 0 },
  {
    title: 'Exit code 0; associations exist, and pods use IRSA until they are restarted',
    has: ({ ends }) => onIrsa(ends) > 0,
  },
  { title: 'Exit code 0; every pod that had a role has it from EKS Pod Identity', has: () => true },
];

const SUCCESS: ReadonlySet<string> = new Set(['migrated', 'already-migrated']);

const subjectEnds = ({ requests }: OwnResult): { first: boolean; last: boolean; rolledBack: boolean }[] =>
  [...Map.groupBy(requests, ({ subject }) => subject).values()].map((own) => ({
    first: SUCCESS.has(own[0]?.outcome ?? ''),
    last: SUCCESS.has(own.at(-1)?.outcome ?? ''),
    rolledBack: own.at(-1)?.outcome === 'rolled-back',
  }));

export const OWN_CLASSES: readonly Class<OwnResult>[] = [
  {
    title: 'Reports `migrated`; pods without their role, which the request did not accept',
    has: (own) => lost(own.ends) > 0,
  },
  {
    title: 'Migrated by a request that only names the subject',
    has: (own) => subjectEnds(own).every(({ first }) => first),
  },
  {
    title: 'Migrated once the request accepts by name that pods lose their role, which they do',
    has: ({ ends }) => (ends.counts.accepted ?? 0) > 0,
  },
  {
    title: 'Migrated once the request has an option that the plan named',
    has: (own) => subjectEnds(own).every(({ last }) => last),
  },
  { title: 'Some subjects migrated, others blocked', has: (own) => subjectEnds(own).some(({ last }) => last) },
  { title: 'Rolled back; pods on IRSA as before', has: (own) => subjectEnds(own).some(({ rolledBack }) => rolledBack) },
  { title: 'Blocked; nothing was changed', has: () => true },
];

/** Returns the scenarios of each class, without empty classes. */
export const classified = <Result>(
  classes: readonly Class<Result>[],
  results: readonly Compared[],
  of: (one: Compared) => Result,
): { title: string; members: Compared[] }[] => {
  const byClass = Map.groupBy(results, (one) => classes.find(({ has }) => has(of(one))));
  return classes.flatMap((one) => {
    const members = byClass.get(one) ?? [];
    return members.length === 0 ? [] : [{ title: one.title, members }];
  });
};
