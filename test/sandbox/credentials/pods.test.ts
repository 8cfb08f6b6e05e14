/** Credentials of the world's own pods: when they get them, how long they keep them, and what prevents it. */
import { DeletePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { credentialsOfPod, hasCredentials, refusalsOf } from '../../../sandbox/credentials/sessions.ts';
import { isActive } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects, removeObject } from '../../../sandbox/objects/store.ts';
import { ACCOUNT, allow, deny, policyOf, ROLE } from '../support.ts';
import {
  associate,
  CLUSTER_ARN,
  CONTROLLER,
  type CredentialLab,
  irsaStatement,
  NODES,
  openLab,
  podsStatement,
} from './support.ts';

const HOUR = 3600;

const dissociate = ({ eks, cluster }: CredentialLab) =>
  eks.send(
    new DeletePodIdentityAssociationCommand({ clusterName: 'dev', associationId: [...cluster.associations.keys()][0] }),
  );
const trust = ({ iam }: CredentialLab, ...statements: object[]) =>
  iam.send(
    new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument: JSON.stringify(policyOf(...statements)) }),
  );

const granted = (method: 'pod-identity' | 'irsa') => ({ method, roleArn: ROLE });
const without = (method: 'pod-identity' | 'irsa', code: string) => ({
  method,
  refused: expect.objectContaining({ code }) as unknown,
});

describe('a pod', () => {
  it('has the role that its environment specifies', () => {
    expect(openLab().has()).toMatchObject(granted('irsa'));
    expect(openLab({ association: {} }).has()).toMatchObject(granted('pod-identity'));
  });

  it('without an identity fetches nothing: it uses its node’s role', () => {
    const lab = openLab();
    const node = listObjects(lab.cluster.kube, 'Pod').find((pod) => pod.spec.serviceAccountName === 'ebs-csi-node-sa')!;
    expect(credentialsOfPod(lab.world, lab.cluster, node)).toEqual([]);
    expect(hasCredentials(lab.world, lab.cluster, node)).toBe(true);
  });

  // awslabs/mountpoint-s3-csi-driver#781: the correct environment, but NoSigningCredentials.
  it('can have the correct environment but no credentials, if EKS checks trust policies only structurally', async () => {
    const wrong = podsStatement({ ArnEquals: { 'aws:SourceArn': `${CLUSTER_ARN}-2` } });
    const lab = openLab({ trust: [irsaStatement, wrong] });
    await associate(lab);
    lab.restart();
    expect(lab.has()).toEqual(without('pod-identity', 'AccessDeniedException'));
    const evaluating = openLab({ trust: [irsaStatement, wrong], knobs: { trustValidation: 'evaluated' } });
    await expect(associate(evaluating)).rejects.toThrow('Trust policy of the role provided is invalid');
  });

  it('gets credentials as soon as they are available, however late', async () => {
    const lab = openLab({ trust: [irsaStatement, podsStatement({ Bool: { 'aws:SecureTransport': 'false' } })] });
    await associate(lab);
    lab.restart();
    expect(lab.has()).toEqual(without('pod-identity', 'AccessDeniedException'));
    await trust(lab, irsaStatement, podsStatement());
    lab.pass(lab.world.knobs.trustLagSeconds);
    expect(lab.has()).toMatchObject(granted('pod-identity'));
  });

  it('that needs credentials to run is ready only once it has them', async () => {
    const lab = openLab({
      trust: [irsaStatement, podsStatement({ Bool: { 'aws:SecureTransport': 'false' } })],
      knobs: { podsWaitForCredentials: true },
    });
    await associate(lab);
    lab.restart();
    const waiting = () =>
      listObjects(lab.cluster.kube, 'Pod').filter(
        (pod) => pod.spec.serviceAccountName === CONTROLLER && isActive(pod) && pod.status.phase === 'Pending',
      );
    lab.pass(HOUR);
    expect(waiting()).toHaveLength(2);
    for (const { status } of waiting())
      expect((status['containerStatuses'] as object[])[0]).toMatchObject({
        ready: false,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
      });
    expect(lab.pods()).toEqual([]);
    await trust(lab, irsaStatement, podsStatement());
    lab.pass(lab.world.knobs.trustLagSeconds + 10);
    expect(waiting()).toEqual([]);
    expect(lab.pods()).toHaveLength(2);
  });
});

describe('after the association was deleted', () => {
  it('a pod keeps its credentials until they expire', async () => {
    const lab = openLab({ association: {} });
    await dissociate(lab);
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    expect(refusalsOf(lab.world, lab.cluster, lab.pods()[0]!)).toEqual([
      expect.objectContaining({ code: 'ResourceNotFoundException' }),
    ]);
    lab.pass(6 * HOUR - 1);
    expect(lab.has()).toMatchObject({
      ...granted('pod-identity'),
      refused: expect.objectContaining({ code: 'ResourceNotFoundException' }) as unknown,
    });
    lab.pass(1);
    expect(lab.has()).toEqual(without('pod-identity', 'ResourceNotFoundException'));
  });

  it('a pod whose agent drops them has no credentials from the next renewal on', async () => {
    const lab = openLab({ association: {}, knobs: { refusedRenewal: 'drops' } });
    await dissociate(lab);
    lab.pass(3 * HOUR - 1);
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    lab.pass(1);
    expect(lab.has()).toEqual(without('pod-identity', 'ResourceNotFoundException'));
  });

  it('a new pod with the old environment never gets credentials', async () => {
    const lab = openLab({ association: {} });
    const [pod] = lab.pods();
    await dissociate(lab);
    lab.cluster.kube.sessions.delete(pod!.metadata.uid);
    expect(lab.has()).toEqual(without('pod-identity', 'ResourceNotFoundException'));
  });

  it('a renewal that was due before happens before, even if nothing read the state meanwhile', async () => {
    const lab = openLab({ association: {} });
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    lab.pass(5 * HOUR);
    await dissociate(lab);
    lab.pass(5 * HOUR);
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    lab.pass(HOUR);
    expect(lab.has()).toEqual(without('pod-identity', 'ResourceNotFoundException'));
  });
});

describe('after the association was deleted, before the webhook stops using it', () => {
  it('a new pod has only the environment of Pod Identity; a later one has the environment of the annotation', async () => {
    const lab = openLab({ knobs: { webhookRemovalLagSeconds: 30 } });
    await associate(lab);
    lab.restart();
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    await dissociate(lab);
    lab.restart();
    expect(lab.has()).toEqual(without('pod-identity', 'ResourceNotFoundException'));
    lab.pass(30);
    lab.restart();
    expect(lab.has()).toMatchObject(granted('irsa'));
  });
});

describe('with IRSA', () => {
  it('a pod keeps its credentials for an hour after the trust was removed', async () => {
    const lab = openLab();
    expect(lab.has()).toMatchObject(granted('irsa'));
    await trust(lab, podsStatement());
    lab.pass(HOUR - 1);
    expect(lab.has()).toMatchObject(granted('irsa'));
    lab.pass(1);
    expect(lab.has()).toEqual(without('irsa', 'AccessDenied'));
  });

  it.each<[string, Parameters<typeof openLab>[0], string]>([
    ['no OIDC provider for the issuer', { cluster: { oidcProvider: 'absent' } }, 'InvalidIdentityToken'],
    ['no issuer', { cluster: { oidcId: undefined } }, 'InvalidIdentityToken'],
    ['no trust', { trust: [podsStatement()] }, 'AccessDenied'],
    [
      'trust for another service account',
      {
        trust: [
          {
            ...irsaStatement,
            Condition: {
              StringEquals: { [Object.keys(irsaStatement.Condition.StringEquals)[0]!]: 'system:serviceaccount:a:b' },
            },
          },
        ],
      },
      'AccessDenied',
    ],
  ])('a pod has no credentials with %s', (_what, setting, code) =>
    expect(openLab(setting).has()).toEqual(without('irsa', code)),
  );

  it('a pod has no credentials if IAM’s provider is for another audience', () => {
    const lab = openLab();
    for (const provider of lab.world.accounts.get(ACCOUNT)!.oidcProviders!.values()) provider.clientIds = ['other'];
    expect(lab.has()).toEqual(without('irsa', 'InvalidIdentityToken'));
  });
});

describe('the agent', () => {
  it('has to run on the node', () =>
    expect(openLab({ association: {}, cluster: { addons: [ebs] } }).has()).toEqual(
      without('pod-identity', 'AgentUnreachable'),
    ));

  it('is built in with Auto Mode', () =>
    expect(openLab({ association: {}, cluster: { addons: [ebs], autoMode: true } }).has()).toMatchObject(
      granted('pod-identity'),
    ));

  it('has to be ready on the node', () => {
    const nodes = [{ count: 2, os: 'linux', ready: true, agentReady: false }];
    expect(openLab({ association: {}, cluster: { nodes } }).has()).toEqual(without('pod-identity', 'AgentUnreachable'));
  });

  it.each([
    ['allowed', policyOf(allow('eks-auth:*')), true],
    ['allowed for another cluster', policyOf(allow('eks-auth:*', `${CLUSTER_ARN}-2`)), false],
    ['denied', policyOf(allow('*'), deny('eks-auth:AssumeRoleForPodIdentity')), false],
  ])('calls with the role of its node, which is %s', (_what, document, may) => {
    const trustPolicy = policyOf({
      Effect: 'Allow',
      Principal: { Service: 'ec2.amazonaws.com' },
      Action: 'sts:AssumeRole',
    });
    const own = { arn: `${NODES}-own`, trustPolicy, policies: [{ name: 'own', document }] };
    const lab = openLab({ association: {}, roles: [own], cluster: { nodeRoleArn: own.arn } });
    const expected = may ? granted('pod-identity') : without('pod-identity', 'AccessDeniedException');
    expect(lab.has()).toMatchObject(expected);
  });

  it('is not needed for a while by a pod that has credentials', () => {
    const lab = openLab({ association: {} });
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    const agents = getObject(lab.cluster.kube, 'DaemonSet', 'kube-system', 'eks-pod-identity-agent')!;
    removeObject(lab.cluster.kube, 'DaemonSet', agents);
    for (const pod of listObjects(lab.cluster.kube, 'Pod'))
      if (pod.metadata.ownerReferences?.[0]?.uid === agents.metadata.uid) removeObject(lab.cluster.kube, 'Pod', pod);
    lab.pass(6 * HOUR - 1);
    expect(lab.has()).toMatchObject(granted('pod-identity'));
    lab.pass(1);
    expect(lab.has()).toEqual(without('pod-identity', 'AgentUnreachable'));
  });
});

const ebs = { name: 'aws-ebs-csi-driver', version: 'v1.38.1-eksbuild.1', createdAt: '2025-06-01T00:00:00.000Z' };
