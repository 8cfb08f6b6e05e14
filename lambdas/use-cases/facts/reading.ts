/** What the facts of a plan are read from, and how. */
import type { Asking } from '../../domain/plan/calls.ts';
import type { Kubernetes, Ledger, ReadingPorts, Settings } from '../../ports/index.ts';
import type { Unanswered } from './read-kubernetes.ts';

/** The sources of a plan's facts in addition to the target. */
export interface ReadingSources {
  settings: Settings;
  ledger: Pick<Ledger, 'getMigration'>;
}

export interface ReadingOptions {
  /** What happens if the API server does not answer. */
  unanswered?: Unanswered;
  /** How IAM is asked about the rights of the steps. */
  asking?: Asking;
  /** `omitted`: the policies of the planned roles are not read, on which only warnings depend. */
  warnings?: 'omitted';
}

/** What the plan of a service account reads. */
export type AccountPorts = Omit<ReadingPorts, 'kubernetes'> & {
  kubernetes: ReadingPorts['kubernetes'] & Pick<Kubernetes, 'getServiceAccount'>;
};
