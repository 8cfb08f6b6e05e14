import { describe, expect, it } from 'vitest';
import { aContainer, aWorkload } from '../../fixtures.ts';
import { anObject, type Cluster, consumersIn, linesOf, podOf } from './cluster.ts';

const AUTH = 'triggerauthentications.keda.sh';
const CLUSTER_AUTH = 'clustertriggerauthentications.keda.sh';
const SCALED = 'scaledobjects.keda.sh';
const JOBS = 'scaledjobs.keda.sh';
const ROLE_ARN = 'arn:aws:iam::111122223333:role/queue';

const owner = { podIdentity: { provider: 'aws', identityOwner: 'workload' } };
const scaled = (name: string, authenticationRef: unknown, scaleTargetRef: unknown = { name: 'api' }): unknown =>
  anObject(name, { scaleTargetRef, triggers: [{ type: 'aws-sqs-queue', authenticationRef }] });
const workload = (change: object = {}): ReturnType<typeof aWorkload> =>
  aWorkload({ namespace: 'shop', name: 'api', serviceAccount: 'queue', ...change });
const operator = podOf('keda', 'keda-operator', {
  containers: [aContainer({ name: 'keda-operator', image: 'ghcr.io/kedacore/keda:2.17.0' })],
});

/** A workload that is scaled by a trigger authentication with this spec. */
const cluster = (spec: unknown): Cluster => ({
  objects: { [AUTH]: [anObject('shop/aws', spec)], [SCALED]: [scaled('shop/api', { name: 'aws' })] },
  workloads: [workload()],
});

describe('the identity of the workload', () => {
  it.each([
    ['provider aws', owner],
    ['provider aws-eks', { podIdentity: { provider: 'aws-eks' } }],
    ['a secret of Secrets Manager', { awsSecretManager: { podIdentity: owner.podIdentity } }],
  ])('is used with %s', (_, spec) => {
    expect(linesOf(cluster(spec))).toEqual(['TriggerAuthentication/shop/aws uses shop/queue: annotation']);
    const [consumer] = consumersIn(cluster(spec));
    expect(consumer?.how).toBe('makes KEDA use the role in its annotation for ScaledObject/shop/api');
  });

  it.each([
    ['the identity of KEDA', { podIdentity: { provider: 'aws' } }],
    ['KEDA as the owner', { podIdentity: { provider: 'aws', identityOwner: 'keda' } }],
    ['a role', { podIdentity: { provider: 'aws', roleArn: ROLE_ARN } }],
    ['another cloud', { podIdentity: { provider: 'azure-workload', identityOwner: 'workload' } }],
    ['secrets', { secretTargetRef: [{ parameter: 'awsAccessKeyID', name: 'aws', key: 'id' }] }],
  ])('is not used with %s', (_, spec) => expect(linesOf(cluster(spec))).toEqual([]));

  it('is not used with provider aws-eks by triggers of the operator', () => {
    const triggers = (identityOwner: string) => [{ authenticationRef: { name: 'aws' }, metadata: { identityOwner } }];
    const of = (provider: string, identityOwner: string): string[] =>
      linesOf({
        ...cluster({ podIdentity: { provider, identityOwner: 'workload' } }),
        objects: {
          [AUTH]: [anObject('shop/aws', { podIdentity: { provider, identityOwner: 'workload' } })],
          [SCALED]: [anObject('shop/api', { scaleTargetRef: { name: 'api' }, triggers: triggers(identityOwner) })],
        },
      });
    expect(of('aws-eks', 'operator')).toEqual([]);
    expect(of('aws-eks', 'pod')).toEqual(['TriggerAuthentication/shop/aws uses shop/queue: annotation']);
    expect(of('aws', 'operator')).toEqual(['TriggerAuthentication/shop/aws uses shop/queue: annotation']);
  });

  it('is that of the kind and namespace that the scaled object names', () => {
    const objects = {
      [CLUSTER_AUTH]: [anObject('aws', owner)],
      [AUTH]: [anObject('bank/aws', owner)],
      [SCALED]: [
        scaled('shop/api', { name: 'aws', kind: 'ClusterTriggerAuthentication' }, { name: 'api', kind: 'StatefulSet' }),
        // There is no TriggerAuthentication of this name in the namespace.
        scaled('shop/other', { name: 'aws' }),
      ],
    };
    const workloads = [
      workload({ serviceAccount: 'of-deployment' }),
      workload({ kind: 'StatefulSet' }),
      workload({ kind: 'StatefulSet', namespace: 'bank', serviceAccount: 'elsewhere' }),
    ];
    expect(linesOf({ objects, workloads })).toEqual(['ClusterTriggerAuthentication/aws uses shop/queue: annotation']);
  });

  it('is found by pods if the workload is not read, and may be any if neither is', () => {
    const rollout = { name: 'api', kind: 'Rollout', apiVersion: 'argoproj.io/v1alpha1' };
    const objects = { [AUTH]: [anObject('shop/aws', owner)], [SCALED]: [scaled('shop/api', { name: 'aws' }, rollout)] };
    const pod = podOf('shop', 'queue', { owner: { kind: 'Rollout', name: 'api' } });
    expect(linesOf({ objects, pods: [pod] })).toEqual(['TriggerAuthentication/shop/aws uses shop/queue: annotation']);
    expect(linesOf({ objects })).toEqual(['TriggerAuthentication/shop/aws uses shop/*: annotation']);
  });

  it('is in the template of a ScaledJob, which has the default one otherwise', () => {
    const job = (name: string, spec: unknown): unknown =>
      anObject(name, { jobTargetRef: { template: { spec } }, triggers: [{ authenticationRef: { name: 'aws' } }] });
    const objects = {
      [AUTH]: [anObject('shop/aws', owner)],
      [JOBS]: [job('shop/a', { serviceAccountName: 'queue' }), job('shop/b', {})],
    };
    expect(linesOf({ objects })).toEqual([
      'TriggerAuthentication/shop/aws uses shop/default: annotation',
      'TriggerAuthentication/shop/aws uses shop/queue: annotation',
    ]);
  });

  it.each([SCALED, JOBS])('may be any of the namespace if %s could not be read', (unread) => {
    const objects = { [AUTH]: [anObject('shop/aws', owner)], [CLUSTER_AUTH]: [anObject('aws', owner)] };
    expect(linesOf({ objects, unread: [unread] })).toEqual([
      'ClusterTriggerAuthentication/aws uses */*: annotation',
      'TriggerAuthentication/shop/aws uses shop/*: annotation',
    ]);
  });
});

describe('the operator', () => {
  it('assumes roles by its web identity, and by its role alone with the old aws-eks', () => {
    const objects = {
      [AUTH]: [
        anObject('shop/role', { podIdentity: { provider: 'aws', roleArn: ROLE_ARN } }),
        anObject('shop/owner', owner),
        anObject('shop/old', { podIdentity: { provider: 'aws-eks' } }),
        anObject('shop/own', { podIdentity: { provider: 'aws' } }),
      ],
    };
    expect(linesOf({ objects, pods: [operator] })).toEqual([
      'TriggerAuthentication/shop/owner uses keda/keda-operator: pods',
      `TriggerAuthentication/shop/role uses keda/keda-operator: pods ${ROLE_ARN}`,
    ]);
  });

  it('is known by the label of its chart if its image is not known', () => {
    const objects = { [AUTH]: [anObject('shop/owner', owner)] };
    const pod = podOf('keda', 'op', { labels: { app: 'keda-operator' } });
    expect(linesOf({ objects, pods: [pod] })).toEqual(['TriggerAuthentication/shop/owner uses keda/op: pods']);
    expect(linesOf({ objects, pods: [podOf('keda', 'op')] })).toEqual([]);
  });
});
