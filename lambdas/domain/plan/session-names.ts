/**
 * Finds policies that depend on the name of a role's session. With IRSA the name comes from the SDK or
 * AWS_ROLE_SESSION_NAME, with EKS Pod Identity from EKS. Sources: EKS API Reference, AssumedRoleUser
 * ("eks-clustername-podname-random UUID"); IAM User Guide, "AWS global condition context keys", aws:userid, and "Where you
 * can use policy variables".
 */
import { parseRoleArn } from '../aws/arn.ts';
import { type Check, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Statement } from '../policy/index.ts';
import type { Facts, RolePoliciesFact } from './facts.ts';
import { containersOf } from './preflight-pods.ts';

const USER_ID = 'aws:userid';
const VARIABLE = /\$\{aws:userid\s*[,}]/i;
/** A value of the form `ROLE_ID:SESSION_NAME` that matches every session of the role, or of any role. */
const ANY_SESSION = /^[^:]*:?\*$/;
const SOURCE = 'EKS API Reference, AssumedRoleUser; IAM User Guide, "AWS global condition context keys", aws:userid';
const ENV = 'AWS_ROLE_SESSION_NAME';

function goesByName({ resource, conditions }: Statement): boolean {
  const patterns = [...(resource?.patterns ?? []), ...conditions.flatMap(({ wanted }) => wanted)];
  if (patterns.some((pattern) => VARIABLE.test(pattern))) return true;
  // Null only checks whether the key is present, which it is in both cases.
  return conditions.some(
    ({ key, operator, wanted }) =>
      key.toLowerCase() === USER_ID &&
      operator.toLowerCase() !== 'null' &&
      wanted.some((value) => !ANY_SESSION.test(value)),
  );
}

/**
 * Returns statements by label and policy, such as `statement 1 of policy s3`. The check `session-tags` reports policies
 * that could not be read.
 */
const statementsIn = ({ policies }: RolePoliciesFact): string[] =>
  policies.flatMap(({ name, document }) =>
    document?.valid ? document.statements.filter(goesByName).map(({ label }) => `${label} of policy ${name}`) : [],
  );

function checkPolicies(roleArn: string, policies: RolePoliciesFact): Check[] {
  const found = statementsIn(policies);
  if (found.length === 0) return [];
  return [
    warn(
      'session-names',
      `Policies of role ${parseRoleArn(roleArn)?.name ?? roleArn} depend on aws:userid, which contains the session name: ${some(found)}. With IRSA, the SDK chooses the session name; with EKS Pod Identity, EKS chooses a different one for each pod (eks-CLUSTER-POD-UUID).`,
      'Make these statements depend on what stays the same: the role alone (AROA…:*), or the session tags kubernetes-namespace and kubernetes-service-account (aws:PrincipalTag/…).',
      SOURCE,
    ),
  ];
}

/** Warns that searches of CloudTrail and policies of other accounts may depend on the previous session name. */
function checkEnv(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const named = containersOf(facts, planned).filter(({ container }) => Object.hasOwn(container.env, ENV));
  if (named.length === 0) return [];
  return [
    warn(
      'session-names',
      `The pods name their sessions with ${ENV}, which EKS Pod Identity ignores: ${some(named.map(({ of, container }) => `container ${container.name} of ${of}`))}. EKS names them eks-CLUSTER-POD-UUID.`,
      'Change everything that depends on that name (policies of other accounts, alarms on CloudTrail) to the session tags kubernetes-namespace and kubernetes-service-account, or to the role.',
      SOURCE,
    ),
  ];
}

/** Returns no check if nothing depends on the name. */
export const checkSessionNames = (facts: Facts, planned: readonly PlannedAssociation[]): Check[] => [
  ...[...new Set(planned.map((one) => one.roleArn))].flatMap((arn) => {
    const policies = facts.rolePolicies[arn];
    return policies === undefined ? [] : checkPolicies(arn, policies);
  }),
  ...checkEnv(facts, planned),
];
