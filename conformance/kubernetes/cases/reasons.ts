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

const DEFAULTS_WHEN_READ =
  "The sandbox adds the API's defaults when it reads an object, so that imagePullPolicy follows a changed image. A real server keeps the policy that it stored for the first image.";

export const ACCEPTED: AcceptedFact[] = [
  {
    case: 'deployment-all-at-once',
    fact: 'rollout: numbers',
    reason:
      'The sandbox creates new pods and ends old ones in one step of its schedule, so that its ReplicaSets, which report afterwards, never show both sizes.',
  },
  { case: 'fields-of-updates', fact: 'an image', reason: DEFAULTS_WHEN_READ },
  { case: 'fields-of-updates', fact: 'a variable', reason: DEFAULTS_WHEN_READ },
  {
    case: 'watch-events',
    fact: 'events',
    reason:
      'The sandbox keeps objects, not the history of their changes: a watch from an earlier version reports the last change of each object.',
  },
];
