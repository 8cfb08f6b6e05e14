/** The results in a few words, for lines of a run and for docs/comparison.md. Pure. */
import { duration } from '../../cli/text/duration.ts';
import type { Compared } from './kept.ts';
import type { OwnRequest, OwnResult } from './own-run.ts';
import type { PeerResult } from './peer-run.ts';
import { ENDS, type PodEnd, type PodEnds } from './pods.ts';
import { lostOidc, type TrustEnd } from './trust.ts';

const END_WORDS: Record<PodEnd, string> = {
  'pod-identity': 'Pod Identity',
  'named-role': 'the role that the request names',
  irsa: 'IRSA',
  accepted: 'no role, as accepted',
  'no-role': 'no role',
  gone: 'gone',
};

/** Returns what the pods have in the end: `2 Pod Identity, 4 no role`. */
export const podWords = ({ counts, notReady }: PodEnds): string => {
  const words = ENDS.flatMap((end) => ((counts[end] ?? 0) > 0 ? [`${counts[end]} ${END_WORDS[end]}`] : []));
  return words.length === 0
    ? 'no pod with a role'
    : [...words, ...(notReady > 0 ? [`${notReady} not ready`] : [])].join(', ');
};

/** Returns what happened to the statements that trust the cluster's OIDC provider. */
export const trustWords = (trust: readonly TrustEnd[]): string => {
  const lost = lostOidc(trust);
  return [
    lost === 0 ? 'kept' : `${lost} removed`,
    // How many depends on chance where eksctl changes one role for several service accounts at the same time.
    ...(trust.some(({ doubled }) => doubled > 0) ? ['duplicates'] : []),
  ].join('; ');
};

/** Returns how the requests for the subjects ended, in order: `blocked (identity-loss), then migrated with roles`. */
export const requestWords = (requests: readonly OwnRequest[]): string => {
  const bySubject = Map.groupBy(requests, ({ subject }) => subject);
  return [...bySubject]
    .map(([subject, own]) => {
      const ends = own.map(
        ({ outcome, because, options }) =>
          `${outcome}${because.length > 0 ? ` (${because.join(', ')})` : ''}${options.length > 0 ? ` with ${options.join(', ')}` : ''}`,
      );
      return `${bySubject.size > 1 ? `${subject}: ` : ''}${ends.join(', then ')}`;
    })
    .join('; ');
};

/** Returns how long the command took, and EKS after it. */
export const peerTime = ({ seconds, settledSeconds }: PeerResult): string =>
  settledSeconds === undefined
    ? 'EKS did not finish'
    : duration(Math.max(1, Math.round(seconds + settledSeconds)) * 1000);

/** Returns how long the requests took together. */
export const ownTime = ({ requests }: OwnResult): string =>
  duration(requests.reduce((sum, { seconds }) => sum + seconds, 0) * 1000);

/** Returns a line about a scenario. */
export const lineOf = ({ scenario, eksctl, own }: Compared): string =>
  `${scenario}: eksctl exit ${eksctl.exitCode ?? 'none'}, ${podWords(eksctl.ends)}, OIDC ${trustWords(eksctl.trust)}; this project ${requestWords(own.requests)}, ${podWords(own.ends)}, OIDC ${trustWords(own.trust)}`;
