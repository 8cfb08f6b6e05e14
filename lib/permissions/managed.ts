/** Managed policies for rights that are too large for a role's own policy. Roles with the same right share them. */
import { Aws, type CfnCondition } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { MOST_MANAGED_CHARACTERS, policyCharacters } from '../../lambdas/domain/aws/limits.ts';
import { acknowledgeGrants } from '../acknowledge.ts';
import { type Grant, statementOf } from './grant.ts';

/**
 * Minimum size of such a grant in characters. A role has up to three grants that grow with the patterns of roles and
 * one that grows with the accounts. Four grants just below this limit leave 4,000 of the 10,240 characters of the
 * role's own policies for the rest, which does not grow.
 */
const LARGE = 1_536;

/** Maximum lengths of pseudo parameters. */
const LONGEST: readonly (readonly [token: string, longest: string])[] = [
  [Aws.PARTITION, 'aws-us-gov'],
  [Aws.ACCOUNT_ID, '111122223333'],
];

/** Returns the size of a policy with only the grant, as IAM counts it. */
const charactersOf = (grant: Grant): number => {
  const document = JSON.stringify({ Statement: [statementOf(grant).toStatementJson()], Version: '2012-10-17' });
  return policyCharacters(
    JSON.parse(LONGEST.reduce((text, [token, longest]) => text.replaceAll(token, longest), document)),
  );
};

/** Splits a grant into parts, each with some of its resources, that fit into a policy. */
function dividedInto(grant: Grant, most: number): Grant[] {
  const parts: Grant[] = [];
  for (const resource of grant.resources) {
    const last = parts.at(-1);
    const wider = last && { ...last, resources: [...last.resources, resource] };
    if (wider && charactersOf(wider) <= most) parts[parts.length - 1] = wider;
    else parts.push({ ...grant, resources: [resource] });
  }
  return parts;
}

const rightOf = ({ actions, resources, conditions }: Grant): string => JSON.stringify([actions, resources, conditions]);

/**
 * The managed policies for the large grants of several roles. A template has each policy once, regardless of the number
 * of roles, and a role is updated after its policies, so that it always has its rights.
 */
export class ManagedGrants extends Construct {
  private readonly arns = new Map<string, string[]>();

  /** `grants` are those of all roles. `condition` decides whether the policies are created. */
  constructor(scope: Construct, id: string, grants: readonly Grant[], condition?: CfnCondition) {
    super(scope, id);
    const large = new Map<string, Grant[]>();
    for (const grant of grants.filter((one) => charactersOf(one) > LARGE))
      large.set(rightOf(grant), [...(large.get(rightOf(grant)) ?? []), grant]);
    const names = new Map<string, number>();
    for (const [right, [first, ...same]] of large) {
      if (!first) continue;
      const why = [...new Set([first, ...same].map((grant) => grant.why))].join('; ');
      const name = first.actions[0]?.split(':')[1] ?? '';
      const nth = (names.get(name) ?? 0) + 1;
      names.set(name, nth);
      this.arns.set(
        right,
        dividedInto({ ...first, why }, MOST_MANAGED_CHARACTERS).map((part, index) =>
          this.create(`${name}${nth}Part${index + 1}`, part, condition),
        ),
      );
    }
  }

  private create(id: string, grant: Grant, condition: CfnCondition | undefined): string {
    const policy = new iam.CfnManagedPolicy(this, id, {
      // A changed description would replace the policy.
      description: 'A right of the Pod Identity migrator that is too large for the own policies of its roles.',
      policyDocument: new iam.PolicyDocument({ statements: [statementOf(grant)] }),
    });
    if (condition) policy.cfnOptions.condition = condition;
    acknowledgeGrants(policy, [grant]);
    return policy.ref;
  }

  /** Returns the grants for a role's own policy, and the ARNs of the managed policies with the others. */
  divide(grants: readonly Grant[]): { own: Grant[]; managedPolicyArns: string[] } {
    const arnsOf = (grant: Grant): string[] | undefined => this.arns.get(rightOf(grant));
    return {
      own: grants.filter((grant) => arnsOf(grant) === undefined),
      managedPolicyArns: [...new Set(grants.flatMap((grant) => arnsOf(grant) ?? []))],
    };
  }
}
