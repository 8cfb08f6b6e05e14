/** What must never be: a migration of this project that reports success, and pods that have no credentials. Pure. */
import type { PlacedDifference } from '../part-results.ts';
import type { Reason } from '../reasons.ts';
import type { Compared } from './kept.ts';

/** The outcomes that report success. */
const SUCCESS: ReadonlySet<string> = new Set(['migrated', 'already-migrated']);

/** Returns the differences between what this project reports and what its pods get from EKS Auth and STS. */
export const brokenPromises = ({ scenario, own }: Compared): PlacedDifference[] => {
  const { counts, pods } = own.ends;
  const lost = (counts['no-role'] ?? 0) + (counts.gone ?? 0);
  if (lost === 0) return [];
  const outcomes = [...new Set(own.requests.map(({ outcome }) => outcome))];
  const reported = outcomes.some((outcome) => SUCCESS.has(outcome)) ? 'migrated' : outcomes.join(', ');
  return [{ where: scenario, what: 'pods without their role', sandbox: reported, real: `${lost}: ${pods.join('; ')}` }];
};

export const REASONS: readonly Reason[] = [
  {
    where: /^old-sdk-logs$/,
    what: /^pods without their role$/,
    values: /^migrated$|SdkTooOld/,
    reason:
      'Software with an SDK that cannot ask the agent, and that only logs it, looks healthy to Kubernetes: the level ready states that the use of the credentials was not observed (promise 8).',
  },
];
