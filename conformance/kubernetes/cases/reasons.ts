/** Differences between the sandbox and a real control plane that are accepted, each with its reason. */

export interface AcceptedFact {
  /** Name of the case. */
  case: string;
  /** Name of the fact, or its beginning, if it ends in `*`. */
  fact: string;
  /** Minor versions of Kubernetes to which this applies, such as `1.30`; omitted: all. */
  versions?: string[];
  /** Why they may differ: a sentence. */
  reason: string;
}

export const ACCEPTED: AcceptedFact[] = [
  {
    case: 'deployment-all-at-once',
    fact: 'rollout: numbers',
    reason:
      'The sandbox creates new pods and ends old ones in one step of its schedule, so that its ReplicaSets, which report afterwards, never show both sizes.',
  },
];
