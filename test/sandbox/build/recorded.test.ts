/** What a scenario can have of a recorded cluster: add-ons, service accounts, pods, access. */
import { describe, expect, it } from 'vitest';
import { catalogueWith } from '../../../sandbox/build/recorded-catalogue.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import { managerOf } from '../../../sandbox/kubernetes/managed-fields.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import type { ScenarioInput } from '../../../sandbox/scenario/scenario.ts';
import { findCluster } from '../../../sandbox/world/world.ts';

const ACCOUNT = '111122223333';
const REGION = 'eu-west-1';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/agent`;
type ClusterInput = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];

const recorded = {
  namespace: 'acme',
  versions: [{ version: 'v9', kubernetesVersions: ['1.38'], podIdentity: [{ serviceAccount: 'agent' }] }],
  serviceAccounts: ['agent'],
  workloads: [
    {
      kind: 'Deployment' as const,
      name: 'agent',
      serviceAccount: 'agent',
      replicas: 3,
      labels: { app: 'agent' },
      containers: [{ name: 'agent', image: 'acme/agent' }],
    },
  ],
};

const build = (cluster: Partial<ClusterInput>, options = {}) => {
  const scenario = parseScenario(
    {
      accounts: [
        {
          id: ACCOUNT,
          clusters: [
            {
              name: 'ridge',
              region: REGION,
              version: '1.38',
              createdAt: '2026-05-01T00:00:00.000Z',
              addons: [{ name: 'acme-agent', version: 'v9', serviceAccountRoleArn: ROLE }],
              ...cluster,
            },
          ],
        },
      ],
      startAt: '2026-06-01T00:00:00.000Z',
      catalogue: [{ addon: 'acme-agent', recorded }],
    },
    'recorded',
  );
  return findCluster(buildWorld(scenario, options), ACCOUNT, REGION, 'ridge')!;
};

const podsOf = (cluster: ReturnType<typeof build>) =>
  listObjects(cluster.kube, 'Pod').map(({ metadata, spec }) => {
    const env = JSON.stringify(spec.containers[0]?.env ?? []);
    const identity = env.includes('AWS_CONTAINER_CREDENTIALS_FULL_URI')
      ? 'pod-identity'
      : (/"AWS_ROLE_ARN","value":"([^"]+)"/.exec(env)?.[1] ?? 'none');
    return [metadata.creationTimestamp, identity];
  });

describe('a recorded add-on', () => {
  it('is offered as recorded, and has its objects in the cluster, as old as the cluster', () => {
    const cluster = build({});
    const shown = { version: 'v9', namespace: 'acme', createdAt: cluster.createdAt };
    expect(cluster.addons.get('acme-agent')).toMatchObject(shown);
    expect(podsOf(cluster)).toEqual(Array.from({ length: 3 }, () => ['2026-05-01T00:00:00Z', ROLE]));
  });

  it('takes its objects from the catalogue of the sandbox if they were not recorded', () => {
    const { workloads: _workloads, serviceAccounts: _accounts, ...answers } = recorded;
    const { objects } = catalogueWith([
      {
        addon: 'aws-ebs-csi-driver',
        recorded: { ...answers, type: 't', publisher: 'p', owner: 'o', versions: [] },
        withdrawnVersions: [],
      },
    ] as never).get('aws-ebs-csi-driver')!;
    expect(objects).toMatchObject({ namespace: 'acme', serviceAccounts: ['ebs-csi-controller-sa', 'ebs-csi-node-sa'] });
    expect(objects.workloads.map(({ name }) => name)).toEqual(['ebs-csi-controller', 'ebs-csi-node']);
  });
});

it('recorded pods have their own age and identity, whatever associations and annotations exist now', () => {
  const one = { kind: 'Deployment' as const, namespace: 'acme', workload: 'agent' };
  const other = `arn:aws:iam::${ACCOUNT}:role/former`;
  const cluster = build({
    pods: [
      { ...one, createdAt: '2026-05-10T00:00:00.000Z', identity: 'irsa', roleArn: other },
      { ...one, createdAt: '2026-05-20T00:00:00.000Z', identity: 'pod-identity' },
    ],
  });
  // The third pod is not listed.
  expect(podsOf(cluster)).toEqual([
    ['2026-05-10T00:00:00Z', other],
    ['2026-05-20T00:00:00Z', 'pod-identity'],
    ['2026-05-01T00:00:00Z', ROLE],
  ]);
});

it('recorded service accounts keep their annotations, and who set them', () => {
  const metadata = { annotations: { 'eks.amazonaws.com/role-arn': ROLE }, labels: { team: 'core' } };
  const cluster = build({
    serviceAccounts: [{ namespace: 'acme', name: 'agent', ...metadata, manager: 'kubectl-annotate' }],
  });
  const account = getObject(cluster.kube, 'ServiceAccount', 'acme', 'agent')!;
  expect(account.metadata).toMatchObject(metadata);
  expect(managerOf(cluster, account, '.metadata.annotations.eks.amazonaws.com/role-arn')).toBe('kubectl-annotate');
});

describe('recorded access entries', () => {
  const accessEntries = [{ principalArn: `arn:aws:iam::${ACCOUNT}:role/admin` }];
  const service = `arn:aws:iam::${ACCOUNT}:role/service`;

  it('are all, or are added to those of the service', () => {
    const options = { roles: [service] };
    const principals = (serviceAccess: 'listed' | 'added') => [
      ...build({ accessEntries, serviceAccess }, options).accessEntries.keys(),
    ];
    expect(principals('listed')).toEqual([accessEntries[0]!.principalArn]);
    expect(principals('added')).toEqual(expect.arrayContaining([accessEntries[0]!.principalArn, service]));
  });
});
