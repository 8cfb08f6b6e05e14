import * as iam from 'aws-cdk-lib/aws-iam';

/** A right of one step's role, with the reason why it must have it. */
export interface Grant {
  /** As policies write them, such as `eks:CreateAddon`. */
  actions: string[];
  /**
   * ARNs, with wildcards where a migration's target is known only when it is asked for; `*` alone where IAM knows no
   * resource for the action.
   */
  resources: string[];
  /** Operator, key, value or values. */
  conditions?: Record<string, Record<string, string | string[]>>;
  /** What the step needs it for: one clause, for whoever reviews the service's rights. */
  why: string;
}

export const statementOf = ({ actions, resources, conditions }: Grant): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions, resources, ...(conditions ? { conditions } : {}) });
