/** Checks the roles of a scenario's account: their accounts, names and policies. */
import { parsePolicy, type PolicyKind } from '../../lambdas/domain/policy/index.ts';
import { hasWildcardVendor } from '../iam/trust-policy.ts';
import { isJson } from '../json.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { accountOf, checkRoleAccount, type Path, type Report, reportDuplicates } from './scenario-problems.ts';

type ScenarioRole = Scenario['accounts'][number]['roles'][number];
type Document = ScenarioRole['trustPolicy'];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns why IAM has never stored a trust policy that may be invalid in another way; `undefined` for any other one. */
const neverStored = (document: unknown): string | undefined => {
  const statements = isRecord(document) ? [document['Statement']].flat().filter(isRecord) : [];
  if (statements.some((one) => 'NotPrincipal' in one))
    return 'with NotPrincipal. Use Principal to list who may assume the role.';
  if (statements.some((one) => one['Principal'] === '*'))
    return 'with "Principal": "*". Use "Principal": {"AWS": "*"}.';
  return hasWildcardVendor(document)
    ? 'with a wildcard in the service of an action. Use the name of the service, such as sts.'
    : undefined;
};

const checkDocument = (
  document: Document | undefined,
  kind: Exclude<PolicyKind, 'resource'>,
  path: Path,
  report: Report,
): void => {
  if (document === undefined) return;
  if (typeof document === 'string' && !isJson(document)) {
    report(path, 'the text is not JSON. Write the policy as an object instead, which needs no escaping.');
    return;
  }
  // A role may have a trust policy that was never valid: scenarios test how the service handles it. But IAM has never
  // stored one with these elements.
  const why =
    kind === 'trust' ? neverStored(typeof document === 'string' ? JSON.parse(document) : document) : undefined;
  if (why !== undefined) report(path, `IAM does not accept a trust policy ${why}`);
  const policy = kind === 'identity' ? parsePolicy(document, kind) : undefined;
  if (policy?.valid === false) report(path, `IAM would refuse the policy: ${policy.path} ${policy.reason}. Change it.`);
};

type ManagedPolicy = ScenarioRole['attachedPolicies'][number];

/** Returns a role's managed policies and its boundary, with their paths in it. */
const managedPoliciesOf = ({
  attachedPolicies,
  permissionsBoundary,
}: ScenarioRole): { here: Path; policy: ManagedPolicy }[] => [
  ...attachedPolicies.map((policy, index) => ({ here: ['attachedPolicies', index], policy })),
  ...(permissionsBoundary ? [{ here: ['permissionsBoundary'], policy: permissionsBoundary }] : []),
];

const checkManagedPolicy = ({ arn, document }: ManagedPolicy, account: string, path: Path, report: Report): void => {
  checkDocument(document, 'identity', [...path, 'document'], report);
  if (accountOf(arn) === 'aws') return;
  if (accountOf(arn) !== account)
    report(
      [...path, 'arn'],
      `the policy belongs to account ${accountOf(arn)}, but its role to account ${account}. Change the ARN.`,
    );
  if (document === undefined) report(path, `${arn} is a customer managed policy. Add its document.`);
};

const checkPolicies = (role: ScenarioRole, account: string, path: Path, report: Report): void => {
  checkDocument(role.trustPolicy, 'trust', [...path, 'trustPolicy'], report);
  for (const [index, { document }] of role.policies.entries())
    checkDocument(document, 'identity', [...path, 'policies', index, 'document'], report);
  reportDuplicates(
    role.policies,
    ({ name }) => name,
    (index) => [...path, 'policies', index, 'name'],
    'the policy',
    report,
  );
  for (const { here, policy } of managedPoliciesOf(role))
    checkManagedPolicy(policy, account, [...path, ...here], report);
  reportDuplicates(
    role.attachedPolicies,
    ({ arn }) => arn,
    (index) => [...path, 'attachedPolicies', index, 'arn'],
    'the policy',
    report,
  );
};

/** Checks that a managed policy has the same document for every role that has it. */
const checkSharedPolicies = ({ roles }: Scenario['accounts'][number], path: Path, report: Report): void => {
  const known = new Map<string, { text: string; role: string }>();
  for (const [position, role] of roles.entries()) {
    for (const { here, policy } of managedPoliciesOf(role)) {
      const text = JSON.stringify(policy.document);
      const first = known.get(policy.arn) ?? { text, role: role.arn };
      known.set(policy.arn, first);
      if (first.text !== text)
        report(
          [...path, position, ...here, 'document'],
          `${policy.arn} has a different document than at ${first.role}. Use the same document in both.`,
        );
    }
  }
};

/** `path` is the account's path. */
export const checkRoles = (account: Scenario['accounts'][number], path: Path, report: Report): void => {
  for (const [index, role] of account.roles.entries()) {
    checkRoleAccount(role.arn, account.id, [...path, 'roles', index, 'arn'], report);
    checkPolicies(role, account.id, [...path, 'roles', index], report);
  }
  checkSharedPolicies(account, [...path, 'roles'], report);
  reportDuplicates(
    account.roles,
    (role) => role.arn.split('/').at(-1) ?? '',
    (index) => [...path, 'roles', index, 'arn'],
    'the role name',
    report,
  );
};
