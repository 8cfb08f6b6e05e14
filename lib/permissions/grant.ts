import * as iam from 'aws-cdk-lib/aws-iam';

/** A right of a step's role, with the reason for it. */
export interface Grant {
  /** Actions as in policies, such as `eks:CreateAddon`. */
  actions: string[];
  /**
   * ARNs, with wildcards for parts that are known only when a migration is requested; only `*` if the action does not
   * support resource-level permissions.
   */
  resources: string[];
  /** Conditions by operator and key. */
  conditions?: Record<string, Record<string, string | string[]>>;
  /** What the step needs the right for: a clause, for reviewers of the service's rights. */
  why: string;
}

export const statementOf = ({ actions, resources, conditions }: Grant): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions, resources, ...(conditions ? { conditions } : {}) });
