import { isObject } from '../../sandbox/json.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { RunSpec } from './spec.ts';

/** The service account for which a third-party association would conflict, by add-on. */
const SERVICE_ACCOUNTS: Record<string, { namespace: string; serviceAccount: string }> = {
  'aws-ebs-csi-driver': { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa' },
  adot: { namespace: 'opentelemetry-operator-system', serviceAccount: 'adot-col-prom-metrics' },
};

const PRINCIPAL = 'pods.eks.amazonaws.com';

const UNKNOWN_KEY = { StringEquals: { 'aws:SomeKeyOfTomorrow': 'yes' } };
const OTHER_CLUSTER = { ArnLike: { 'aws:SourceArn': 'arn:aws:eks:*:*:cluster/another-one' } };

const trustsPods = (statement: unknown): statement is Record<string, unknown> =>
  isObject(statement) &&
  isObject(statement['Principal']) &&
  [statement['Principal']['Service']].flat().includes(PRINCIPAL);

/** Roles that allow one service account only: their trust can be repaired for another one. */
const trustsSomePods = (statement: unknown): boolean =>
  trustsPods(statement) && JSON.stringify(statement['Condition'] ?? {}).includes('kubernetes-service-account');

/**
 * Returns the scenario with roles that do not allow EKS Auth, allow it under a condition whose key is unknown
 * beforehand, or allow it for another cluster.
 */
export const withTrust = (scenario: Scenario, trust: RunSpec['trust']): Scenario => {
  if (!trust) return scenario;
  for (const role of scenario.accounts.flatMap((account) => account.roles)) {
    const policy: unknown = typeof role.trustPolicy === 'string' ? JSON.parse(role.trustPolicy) : role.trustPolicy;
    if (!isObject(policy) || !Array.isArray(policy['Statement'])) continue;
    const statements: unknown[] = policy['Statement'];
    // A missing Allow can be repaired, a Deny cannot.
    if (!statements.some((statement) => trustsPods(statement) && !trustsSomePods(statement))) {
      role.trustPolicy = {
        ...policy,
        Statement: [
          ...statements,
          {
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 'sts:*',
            Condition: trust === 'undecided' ? UNKNOWN_KEY : { Bool: { 'aws:PrincipalIsAWSService': 'true' } },
          },
        ],
      };
      continue;
    }
    const Statement =
      trust === 'denied'
        ? statements.filter((statement) => !trustsPods(statement))
        : statements.map((statement) =>
            trustsPods(statement)
              ? { ...statement, Condition: trust === 'undecided' ? UNKNOWN_KEY : OTHER_CLUSTER }
              : statement,
          );
    role.trustPolicy = { ...policy, Statement };
  }
  return scenario;
};

/**
 * Returns the scenario with an association for the add-on's service account that another tool manages or another add-on
 * owns.
 */
export const withStranger = (scenario: Scenario, stranger: RunSpec['stranger'], addon: string): Scenario => {
  const cluster = scenario.accounts[0]?.clusters[0];
  const position = SERVICE_ACCOUNTS[addon];
  const role = scenario.accounts[0]?.roles[0];
  if (!stranger || !cluster || !position || !role) return scenario;
  cluster.associations = cluster.associations.filter((one) => one.serviceAccount !== position.serviceAccount);
  const owner = cluster.addons.find(({ name }) => name !== addon)?.name;
  cluster.associations.push({
    ...position,
    roleArn: role.arn,
    createdAt: cluster.createdAt,
    tags: stranger === 'other-tool' ? { ManagedBy: 'Terraform' } : {},
    ...(stranger === 'other-addon' && owner !== undefined ? { owner } : {}),
  });
  return scenario;
};
