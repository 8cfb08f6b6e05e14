/** The worlds that are simulated: the published scenarios, sped up so that a run has few polls. */
import { readFileSync } from 'node:fs';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import { podIdentityStatement, policyOf } from '../../cli/fleet/trust.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Knobs, Scenario } from '../../sandbox/scenario/scenario.ts';

export interface SimulatedScenario {
  name: string;
  scenario: Scenario;
  requests: MigrationRequestInput[];
  /** How each request ends if nothing goes wrong. */
  ends: Outcome;
}

/** Each wait of the state machine exceeds what it waits for, so that most polls succeed at once. */
const QUICK: Partial<Knobs> = {
  addonCreateSeconds: 8,
  addonUpdateSeconds: 6,
  addonDeleteSeconds: 12,
  addonPreserveDeleteSeconds: 8,
  podReadySeconds: 2,
  podTerminationSeconds: 1,
  deleteStaleSeconds: 1,
  cascadeLagSeconds: 1,
  associationDeleteLagSeconds: 1,
};

interface Definition {
  name: string;
  file: string;
  requests: Omit<MigrationRequestInput, 'target'>[];
  ends?: Outcome;
  change?: (scenario: Scenario) => void;
}

const EBS = 'aws-ebs-csi-driver';
const EFS = 'aws-efs-csi-driver';
const EFS_NODES = 'efs-csi-node-sa';
const OTHER_ROLE = 'arn:aws:iam::111122223333:role/catalogue-prod-other';

const definitions: Definition[] = [
  { name: 'recreate', file: 'ebs-csi-irsa', requests: [{ addon: EBS, strategy: 'recreate' }] },
  { name: 'preserve', file: 'preserve', requests: [{ addon: EBS, strategy: 'recreate', preserve: true }] },
  { name: 'in-place', file: 'in-place', requests: [{ addon: EBS, strategy: 'in-place' }] },
  { name: 'auto-falls-back', file: 'auto-falls-back', requests: [{ addon: EBS }] },
  { name: 'three-service-accounts', file: 'adot-three-service-accounts', requests: [{ addon: 'adot' }] },
  { name: 'left-over', file: 'left-over-session-tags', requests: [{ addon: EBS, strategy: 'recreate' }] },
  {
    name: 'shared-role',
    file: 'shared-role',
    requests: [
      { addon: EBS, strategy: 'in-place' },
      { addon: EFS, strategy: 'in-place', accept: [`identity-loss:${EFS_NODES}`] },
    ],
  },
  // The role already allows the EFS driver's service account; its trust is repaired for the other service account.
  {
    name: 'shared-role-repair',
    file: 'shared-role',
    requests: [
      { addon: EFS, strategy: 'recreate', accept: [`identity-loss:${EFS_NODES}`] },
      { addon: EBS, strategy: 'in-place', trust: 'repair' },
    ],
    change: ({ accounts: [account] }) => {
      const [role] = account?.roles ?? [];
      const policy = role?.trustPolicy as { Statement: { Sid: string; Condition?: object }[] } | undefined;
      const statement = policy?.Statement.find(({ Sid }) => Sid === 'PodIdentity');
      if (!statement) throw new Error('The role of the scenario shared-role has no statement PodIdentity.');
      statement.Condition = { StringEquals: { 'aws:RequestTag/kubernetes-service-account': 'efs-csi-controller-sa' } };
    },
  },
  { name: 'trust-repair', file: 'trust-repair', requests: [{ addon: EBS, strategy: 'in-place', trust: 'repair' }] },
  { name: 'user-modified-fields', file: 'user-modified-fields', requests: [{ addon: EBS }] },
  { name: 'api', file: 'api-only', requests: [{ addon: EBS, verification: 'api' }] },
  { name: 'agent-install', file: 'agent-absent', requests: [{ addon: EBS, agent: 'install' }] },
  // It is 09:00: the plan is approved before the window opens at 09:15.
  {
    name: 'approved',
    file: 'in-place',
    requests: [
      {
        addon: EBS,
        strategy: 'in-place',
        approval: 'required',
        approvalHours: 1,
        changeWindow: { schedule: '15 9 * * *', durationMinutes: 120, timeZone: 'UTC' },
      },
    ],
  },
  {
    name: 'service-account',
    file: 'service-account-irsa',
    requests: [{ serviceAccount: { namespace: 'payments', name: 'api' }, annotation: 'remove' }],
  },
  {
    name: 'chosen-namespace',
    file: 'chosen-namespace',
    requests: [{ addon: 'external-dns', strategy: 'recreate', preserve: true }],
  },
  {
    name: 'standalone',
    file: 'efs-node-role',
    requests: [{ addon: EFS, roles: { [EFS_NODES]: 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node' } }],
  },
  // Promise 11: each requests a role without any ground that the service account may have it.
  {
    name: 'annotated-stranger',
    file: 'service-account-irsa',
    requests: [{ serviceAccount: { namespace: 'payments', name: 'web' } }],
    ends: 'blocked',
    change: ({ accounts }) => {
      const web = accounts[0]?.clusters[0]?.workloads.find(({ name }) => name === 'web');
      if (web)
        web.serviceAccountAnnotations = {
          'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/payments-prod-api',
        };
    },
  },
  {
    name: 'new-role',
    file: 'in-place',
    requests: [{ addon: EBS, strategy: 'in-place', roleArn: OTHER_ROLE }],
    ends: 'blocked',
    change: ({ accounts }) => {
      const [account] = accounts;
      const [role] = account?.roles ?? [];
      if (role) account?.roles.push({ ...structuredClone(role), arn: OTHER_ROLE });
      for (const cluster of account?.clusters ?? []) cluster.associations = [];
    },
  },
  // The cluster was created again and has another issuer: only the annotation that EKS wrote remains.
  {
    name: 'stale-issuer',
    file: 'trust-repair',
    requests: [{ addon: EBS, strategy: 'in-place', trust: 'repair' }],
    ends: 'blocked',
    change: ({ accounts }) => {
      for (const cluster of accounts[0]?.clusters ?? []) cluster.oidcId = '0'.repeat(32);
    },
  },
  // EKS has annotated the nodes' service account, for which the add-on accepts no association.
  {
    name: 'node-account',
    file: 'efs-node-role',
    requests: [{ addon: EFS, roles: { [EFS_NODES]: 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-driver' } }],
    ends: 'blocked',
    change: ({ accounts }) => {
      const [role] = accounts[0]?.roles ?? [];
      if (role)
        role.trustPolicy = JSON.parse(
          JSON.stringify(role.trustPolicy).replace('efs-csi-*', 'efs-csi-controller-sa'),
        ) as typeof role.trustPolicy;
    },
  },
  // The nodes would lose the role, and the request does not accept that.
  { name: 'identity-loss', file: 'efs-csi-irsa', requests: [{ addon: EFS }], ends: 'blocked' },
];

/** Scenarios of large and slow workloads, drawn only with time. */
const timeDefinitions: Definition[] = [
  { name: 'vpc-cni', file: 'vpc-cni-irsa', requests: [{ addon: 'vpc-cni', strategy: 'in-place' }] },
  {
    name: 'daemon-set',
    file: 'service-account-irsa',
    requests: [{ serviceAccount: { namespace: 'payments', name: 'api' }, annotation: 'remove' }],
    change: ({ accounts }) => {
      for (const cluster of accounts[0]?.clusters ?? [])
        cluster.workloads = cluster.workloads.flatMap((one) =>
          one.name === 'api' ? [{ ...one, kind: 'DaemonSet' as const, replicas: undefined }] : [],
        );
    },
  },
  {
    name: 'stateful-set',
    file: 'service-account-irsa',
    requests: [{ serviceAccount: { namespace: 'payments', name: 'api' }, annotation: 'remove' }],
    change: ({ accounts }) => {
      for (const cluster of accounts[0]?.clusters ?? [])
        cluster.workloads = cluster.workloads.flatMap((one) =>
          one.name === 'api' ? [{ ...one, kind: 'StatefulSet' as const }] : [],
        );
    },
  },
];

/** Scenarios that no seed draws. */
const undrawnDefinitions: Definition[] = [
  // Promise 11: the role's trust policy compares the names of service account and namespace, and names neither.
  {
    name: 'named-like-its-namespace',
    file: 'service-account-irsa',
    requests: [{ serviceAccount: { namespace: 'payments', name: 'payments-web' } }],
    ends: 'blocked',
    change: ({ accounts }) => {
      const [account] = accounts;
      const [cluster] = account?.clusters ?? [];
      const web = cluster?.workloads.find(({ name }) => name === 'web');
      const [role] = account?.roles ?? [];
      if (!cluster || !web || !role) return;
      web.serviceAccount = 'payments-web';
      web.serviceAccountAnnotations = { 'eks.amazonaws.com/role-arn': role.arn };
      role.trustPolicy = policyOf({
        ...podIdentityStatement(),
        Condition: {
          StringEquals: {
            'aws:RequestTag/kubernetes-service-account': '${aws:RequestTag/kubernetes-namespace}-web',
            'aws:RequestTag/eks-cluster-arn': `arn:aws:eks:${cluster.region}:${account?.id}:cluster/${cluster.name}`,
          },
        },
      });
    },
  },
];

export const SCENARIO_NAMES: readonly string[] = definitions.map(({ name }) => name);
export const TIME_SCENARIO_NAMES: readonly string[] = timeDefinitions.map(({ name }) => name);
export const UNDRAWN_SCENARIO_NAMES: readonly string[] = undrawnDefinitions.map(({ name }) => name);

/** The scenario in which the OIDC trust is retired as well. */
export const RETIRED_SCENARIO = 'in-place';

const load = ({ name, file, requests, ends = 'migrated', change }: Definition): SimulatedScenario => {
  const path = `sandbox/scenarios/${file}.json`;
  const scenario = parseScenario(readFileSync(path, 'utf8'), path);
  Object.assign(scenario.knobs, QUICK);
  change?.(scenario);
  const account = scenario.accounts[0];
  const cluster = account?.clusters[0];
  if (!account || !cluster) throw new Error(`${path} has no cluster.`);
  const target = { account: account.id, region: cluster.region, cluster: cluster.name };
  return { name, scenario, ends, requests: requests.map((request) => ({ target, ...request })) };
};

const loaded = new Map<string, SimulatedScenario>();

export const scenarioNamed = (name: string): SimulatedScenario => {
  const all = [...definitions, ...timeDefinitions, ...undrawnDefinitions];
  const definition = all.find((one) => one.name === name);
  if (!definition)
    throw new Error(`There is no simulated scenario ${name}; there are: ${all.map((one) => one.name).join(', ')}.`);
  const known = loaded.get(name) ?? load(definition);
  loaded.set(name, known);
  return known;
};
