/**
 * Checks roles whose policies allow them to assume other roles: what works with IRSA can fail with Pod Identity, since EKS
 * tags its sessions, and the tags are passed on to the next role. Sources: EKS User Guide, "Grant Pods access to AWS resources based on
 * tags"; IAM User Guide, "Pass session tags in AWS STS".
 */
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { type Check, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { matchesWildcard, type Statement } from '../policy/index.ts';
import { allowsAssume, isJudgedTarget, unreadTargets } from './chains.ts';
import { MANAGED_CHAINING } from './chains-judged.ts';
import type { Facts, RolePoliciesFact } from './facts.ts';
import { losesSessionTags } from './trust-checks.ts';
import { asClause } from '../text/text.ts';

const SOURCE = `${GUIDE}, "Grant Pods access to AWS resources based on tags"; IAM User Guide, "Pass session tags in AWS STS"`;

/** Returns whether a Resource can match a role other than the given one. */
function mayBeOtherRole(resource: string, roleArn: string): boolean {
  if (resource === roleArn) return false;
  if (!/[*?$]/.test(resource)) return /^arn:[^:]+:iam::[^:]*:role\//.test(resource);
  const [prefix = '', , service = '*', , , ...rest] = resource.split(':');
  const what = rest.join(':');
  const couldBe = (pattern: string, text: string): boolean => matchesWildcard(pattern, text) || /[*?$]/.test(pattern);
  if (!couldBe(prefix, 'arn') || !couldBe(service, 'iam')) return false;
  // A wildcard before the resource type, or the type `role`.
  return what === '' || what.startsWith('role/') || /^[^/]*[*?$]/.test(what);
}

function otherRoles(resource: Statement['resource'], roleArn: string): string[] {
  if (!resource) return [];
  if (resource.negated) return [`everything except ${resource.patterns.join(', ')}`];
  return resource.patterns.filter((one) => mayBeOtherRole(one, roleArn));
}

interface Chaining {
  policy: string;
  resources: string[];
}

interface Chains {
  chaining: Chaining[];
  /** Policies that could not be read, with the reason. */
  unread: string[];
}

function chainsOf({ policies }: RolePoliciesFact, roleArn: string): Chains {
  const found: Chains = { chaining: [], unread: [] };
  for (const { name, arn, document } of policies) {
    if (document === undefined) {
      if (MANAGED_CHAINING.test(arn ?? '')) found.chaining.push({ policy: name, resources: ['*'] });
      continue;
    }
    if (!document.valid) {
      found.unread.push(`policy ${name} could not be understood (${document.path}: ${document.reason})`);
      continue;
    }
    const resources = document.statements.filter(allowsAssume).flatMap(({ resource }) => otherRoles(resource, roleArn));
    if (resources.length > 0) found.chaining.push({ policy: name, resources: [...new Set(resources)] });
  }
  return found;
}

/** Returns whether a readable policy allows a role to assume that other role. */
export const mayAssume = ({ policies }: RolePoliciesFact, otherArn: string): boolean =>
  policies.some(
    ({ document }) =>
      document?.valid === true &&
      document.statements.some(
        (statement) =>
          allowsAssume(statement) &&
          statement.resource?.negated === false &&
          statement.resource.patterns.some((pattern) => matchesWildcard(pattern, otherArn)),
      ),
  );

/** Returns the roles whose trust the check `target-roles` does not decide. */
const notJudged = (facts: Facts, chaining: readonly Chaining[]): Chaining[] =>
  chaining
    .map(({ policy, resources }) => ({ policy, resources: resources.filter((one) => !isJudgedTarget(facts, one)) }))
    .filter(({ resources }) => resources.length > 0);

/** What is known about a pod's identifiers: its name has at least one character, and its UID is a UUID. */
const UNKNOWN_VALUES = { 'kubernetes-pod-name': 1, 'kubernetes-pod-uid': 36 };

/** The tags that EKS adds, and the minimum length of their keys and values in characters. */
function tagsOf(
  { request: { target } }: Facts,
  { namespace, serviceAccount }: PlannedAssociation,
): { keys: string[]; characters: number } {
  const known = {
    'eks-cluster-arn': clusterArn(target),
    'eks-cluster-name': target.cluster,
    'kubernetes-namespace': namespace,
    'kubernetes-service-account': serviceAccount,
  };
  const lengths: [string, number][] = [
    ...Object.entries(known).map(([key, value]): [string, number] => [key, value.length]),
    ...Object.entries(UNKNOWN_VALUES),
  ];
  return {
    keys: lengths.map(([key]) => key),
    characters: lengths.reduce((sum, [key, length]) => sum + key.length + length, 0),
  };
}

function checkRole(
  facts: Facts,
  roleArn: string,
  policies: RolePoliciesFact,
  planned: readonly PlannedAssociation[],
): Check {
  const id = 'session-tags';
  const name = parseRoleArn(roleArn)?.name ?? roleArn;
  const { chaining: all, unread } = chainsOf(policies, roleArn);
  const chaining = notJudged(facts, all);
  const notRead = unreadTargets(facts, policies, roleArn);
  const gaps = [...(policies.error === undefined ? [] : [asClause(policies.error)]), ...unread];
  const tagged = planned.filter((one) => !losesSessionTags(facts, one));
  if (chaining.length > 0 && tagged.length > 0) {
    const { keys, characters } = tagged
      .map((one) => tagsOf(facts, one))
      .reduce((most, one) => (one.characters > most.characters ? one : most));
    return warn(
      id,
      `Role ${name} may assume other roles (${some(chaining.map((one) => `policy ${one.policy} allows it on ${some(one.resources)}`))}). EKS adds six session tags (${keys.join(', ')}), with at least ${characters} characters of keys and values here, and they are transitive: those roles receive them too. IRSA sends no session tags.${notRead.length > 0 ? ` Not read: ${some(notRead)}.` : ''}`,
      'If the pods assume these roles, allow sts:TagSession in addition to sts:AssumeRole in the trust policy of each; tags, session policies and policy ARNs together must not exceed the packed size of a session (PackedPolicyTooLarge). To avoid session tags, disable them in the association (disableSessionTags).',
      SOURCE,
    );
  }
  if (gaps.length > 0) {
    return warn(
      id,
      `It is not known whether role ${name} may assume other roles: ${gaps.join('; ')}.`,
      'If its pods assume other roles, allow sts:TagSession in the trust policy of each: EKS Pod Identity sends session tags, and they are transitive. To have it checked, allow the role of step plan to read policies (iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion).',
      SOURCE,
    );
  }
  if (chaining.length > 0)
    return pass(
      id,
      `Role ${name} may assume other roles (${some(chaining.map((one) => `policy ${one.policy}`))}), but its associations send no session tags.`,
    );
  if (all.length > 0)
    return pass(
      id,
      `Role ${name} may assume other roles (${some(all.map((one) => `policy ${one.policy}`))}), each of which was evaluated.`,
    );
  return pass(id, `No readable policy of role ${name} allows it to assume another role.`);
}

/** Returns the checks for each planned role whose policies were read. */
export function checkSessionTags(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  return [...new Set(planned.map((one) => one.roleArn))].flatMap((arn) => {
    const policies = facts.rolePolicies[arn];
    return policies === undefined
      ? []
      : [
          checkRole(
            facts,
            arn,
            policies,
            planned.filter((one) => one.roleArn === arn),
          ),
        ];
  });
}
