/** What `record` never writes, wherever it is in a cluster. */
import { describe, expect, it } from 'vitest';
import { keptDocumentText } from '../../cli/record/keep-documents.ts';
import { keptAnnotations, keptAudience, keptLabels, keptTags, keptVariables } from '../../cli/record/keep.ts';
import { putObject } from '../../sandbox/objects/store.ts';
import { ADDON, ebs, scenarioWith } from '../end-to-end/fixture.ts';
import { twinOf } from '../end-to-end/twin.ts';

const SECRET = 'hunter2';
const secret = (where: string): string => `${SECRET}-${where}`;

const planted = scenarioWith((scenario, cluster) => {
  const account = scenario.accounts[0]!;
  account.roles[0]!.tags = { 'cost-center': secret('role-tag'), managed_by: secret('tool') };
  cluster.tags = { team: secret('cluster-tag') };
  const addon = ebs(cluster);
  addon.tags = { owner: secret('addon-tag') };
  addon.configurationValues = JSON.stringify({ controller: { podAnnotations: { token: secret('configuration') } } });
  addon.extraEnv = [
    { name: 'DRIVER_TOKEN', value: secret('addon-env') },
    { name: 'AWS_SECRET_ACCESS_KEY', secret: { name: secret('secret-name'), key: secret('key'), optional: false } },
  ];
  addon.modifiedFields = [
    {
      field: 'Deployment.apps ebs-csi-controller - .spec.template.metadata.annotations.example.com/token',
      manager: 'kubectl-edit',
      value: secret('modified-field'),
    },
  ];
  cluster.associations[0]!.tags = { note: secret('association-tag') };
  cluster.workloads.push({
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    serviceAccount: 'web',
    serviceAccountAnnotations: { 'example.com/token': secret('account-annotation') },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': secret('last-applied') },
    podAnnotations: { 'example.com/password': secret('pod-annotation') },
    labels: { app: 'web', 'example.com-secret': secret('label') },
    paused: false,
    hostNetwork: false,
    containers: [
      {
        name: 'web',
        image: 'registry.example.com/web',
        env: [
          { name: 'DATABASE_PASSWORD', value: secret('env') },
          { name: 'NO_PROXY', value: `${secret('no-proxy')}.example.com,169.254.170.23` },
          { name: 'AWS_ROLE_ARN', value: secret('role') },
          { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: `http://${secret('uri')}` },
        ],
      },
    ],
    createdAt: '2025-06-01T00:00:00.000Z',
  });
});

it.each([
  ['as it is', false],
  ['with configuration values', true],
])('a recording has no secrets, %s', async (_name, withConfiguration) => {
  const [cluster] = planted.accounts[0]!.clusters;
  const { text, scenario } = await twinOf(planted, cluster!, { withConfiguration, access: 'granted' }, (state) => {
    // The sandbox does not serve Secrets and ConfigMaps: a recording that read them would be refused.
    putObject(state.kube, 'ServiceAccount', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: 'robot',
        namespace: 'default',
        uid: '00000000-0000-4000-8000-000000000001',
        resourceVersion: '',
        creationTimestamp: '2025-06-01T00:00:00Z',
        annotations: { 'eks.amazonaws.com/audience': 'sts.amazonaws.com', note: secret('annotation') },
      },
    });
  });
  const found = [...text.matchAll(new RegExp(`${SECRET}-[a-z-]+`, 'g'))].map(([match]) => match);
  // The label selects the pods of its own workload, so that it cannot be left out.
  expect([...new Set(found)].sort()).toEqual(
    [secret('label'), ...(withConfiguration ? [secret('configuration')] : [])].sort(),
  );
  const [recorded] = scenario.accounts[0]!.clusters;
  expect(recorded!.workloads[0]!.containers![0]!.env.map(({ name, value }) => [name, value])).toEqual([
    ['DATABASE_PASSWORD', 'not-recorded'],
    ['NO_PROXY', '169.254.170.23'],
    ['AWS_ROLE_ARN', 'not-recorded'],
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'not-recorded'],
  ]);
  expect(recorded!.serviceAccounts).toContainEqual(
    expect.objectContaining({ name: 'robot', annotations: { 'eks.amazonaws.com/audience': 'sts.amazonaws.com' } }),
  );
  expect(recorded!.addons.find(({ name }) => name === ADDON)!.tags).toEqual({ owner: 'not-recorded' });
});

describe('what is kept', () => {
  it('of variables: their names, and values that select credentials', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/web';
    expect(
      keptVariables({
        env: { AWS_ROLE_ARN: roleArn, TOKEN: 'x', AWS_ACCESS_KEY_ID: undefined, no_proxy: '*', 'not a name': 'x' },
        optionalEnv: ['AWS_ACCESS_KEY_ID'],
      }),
    ).toEqual([
      { name: 'AWS_ROLE_ARN', value: roleArn },
      { name: 'TOKEN', value: 'not-recorded' },
      { name: 'AWS_ACCESS_KEY_ID', secret: { name: 'not-recorded', key: 'not-recorded', optional: true } },
      { name: 'no_proxy', value: 'not-recorded' },
    ]);
  });

  it('of labels and annotations: those of Kubernetes, EKS, Helm and GitOps, and those that something selects', () => {
    const labels = { 'app.kubernetes.io/managed-by': 'Helm', team: 'x', 'argocd.argoproj.io/instance': 'web' };
    expect(keptLabels(labels)).toEqual({
      'app.kubernetes.io/managed-by': 'Helm',
      'argocd.argoproj.io/instance': 'web',
    });
    expect(keptLabels(labels, new Set(['team']))).toEqual(labels);
    expect(
      keptAnnotations({ 'meta.helm.sh/release-name': 'web', 'kubectl.kubernetes.io/last-applied-configuration': '{}' }),
    ).toEqual({ 'meta.helm.sh/release-name': 'web' });
  });

  it('of tags: the keys, and the names of known tools', () => {
    expect(keptTags({ ManagedBy: 'Terraform', managed_by: 'a person', team: 'x' })).toEqual({
      ManagedBy: 'Terraform',
      managed_by: 'not-recorded',
      team: 'not-recorded',
    });
    expect(
      keptTags({
        'kubernetes.io/cluster/dev': 'owned',
        'kubernetes.io/cluster/test': 'shared',
        'crossplane-name': 'ebs',
      }),
    ).toEqual({
      'kubernetes.io/cluster/dev': 'owned',
      'kubernetes.io/cluster/test': 'not-recorded',
      'crossplane-name': 'ebs',
    });
    expect(keptTags(undefined)).toEqual({});
  });

  it('of documents: no value of a condition that decides nothing', () => {
    const Condition = {
      StringLike: { 'aws:Referer': secret('referer'), 's3:prefix': `${secret('prefix')}/\${aws:username}/*` },
      StringEquals: { 'sts:ExternalId': [secret('id')], 'oidc.example.com/id/A:sub': 'system:serviceaccount:a:b' },
      BinaryEquals: { 'kms:X': 'aHVudGVyMg==' },
      Bool: { 'aws:SecureTransport': 'true' },
    };
    const document = {
      Version: '2012-10-17',
      Id: secret('name'),
      Statement: [{ Effect: 'Allow', Action: '*', Condition }],
    };
    expect(JSON.parse(keptDocumentText(JSON.stringify(document)))).toEqual({
      Version: '2012-10-17',
      Id: 'not-recorded',
      Statement: [
        {
          Effect: 'Allow',
          Action: '*',
          Condition: {
            StringLike: { 'aws:Referer': 'not-recorded', 's3:prefix': 'not-recorded/${aws:username}/*' },
            StringEquals: {
              'sts:ExternalId': ['not-recorded'],
              'oidc.example.com/id/A:sub': 'system:serviceaccount:a:b',
            },
            BinaryEquals: { 'kms:X': 'bm90LXJlY29yZGVk' },
            Bool: { 'aws:SecureTransport': 'true' },
          },
        },
      ],
    });
  });

  it('of audiences and of annotations: known words, and values with the form of such a value', () => {
    expect(['sts.amazonaws.com', secret('audience')].map(keptAudience)).toEqual(['sts.amazonaws.com', 'not-recorded']);
    const all = { 'role-arn': secret('arn'), audience: secret('a'), 'token-expiration': '3600' };
    const annotations = Object.entries(all).map(([key, value]) => [`eks.amazonaws.com/${key}`, value]);
    expect(Object.values(keptAnnotations(Object.fromEntries(annotations)))).toEqual([
      'not-recorded',
      'not-recorded',
      '3600',
    ]);
  });
});
