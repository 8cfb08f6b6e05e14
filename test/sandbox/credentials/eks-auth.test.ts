/** AssumeRoleForPodIdentity over the wire: callers, pods and tokens. */
import { STS } from '@aws-sdk/client-sts';
import { CreatePodIdentityAssociationCommand, ListClustersCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, allow, clientsOf, configOf, policyOf, REGION, ROLE } from '../support.ts';
import {
  type Assumed,
  assumeForPod,
  CLUSTER_ARN,
  CONTROLLER,
  type CredentialLab,
  NODES,
  openLab,
  podsStatement,
  podToken,
  type Setting,
  tokenFor,
} from './support.ts';

const AUDIENCES = ['pods.eks.amazonaws.com'];

/** Opens a lab whose controller has an association, and returns EKS Auth's response for its first pod. */
const ask = async (setting: Setting): Promise<Assumed> => {
  const lab = openLab({ association: {}, ...setting });
  return assumeForPod(lab, await podToken(lab));
};

const keysOf = ({ body }: Assumed) => ({
  accessKeyId: body.credentials!.accessKeyId,
  secretAccessKey: body.credentials!.secretAccessKey,
  sessionToken: body.credentials!.sessionToken,
});

describe('AssumeRoleForPodIdentity', () => {
  it('returns credentials of a pod’s role, which STS confirms', async () => {
    const lab = openLab({ association: {} });
    const assumed = await assumeForPod(lab, await podToken(lab));
    expect(assumed).toMatchObject({
      status: 200,
      body: {
        subject: { namespace: 'kube-system', serviceAccount: CONTROLLER },
        audience: 'pods.eks.amazonaws.com',
        podIdentityAssociation: { associationId: [...lab.cluster.associations.keys()][0] },
      },
    });
    const { Arn } = await new STS(configOf(lab.gateway, lab.world, keysOf(assumed))).getCallerIdentity();
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/eks-dev-ebs-csi-controller--[0-9a-f-]{36}`;
    expect(Arn).toMatch(new RegExp(`^${session}$`));
    expect(assumed.body.assumedRoleUser?.arn).toBe(Arn);
    expect(assumed.body.credentials!.expiration - Date.now() / 1000).toBeGreaterThan(21_500);
  });

  it('limits the session by the policy of the association', async () => {
    const policy = JSON.stringify(policyOf(allow('s3:GetObject')));
    const lab = openLab({ association: { disableSessionTags: true, policy } });
    const assumed = await assumeForPod(lab, await podToken(lab));
    const role = lab.world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')!;
    role.policies.push({ name: 'all', document: JSON.stringify(policyOf(allow('eks:*'))) });
    const clients = clientsOf(lab.gateway, lab.world, keysOf(assumed));
    await expect(clients.eks().send(new ListClustersCommand({}))).rejects.toThrow(
      'because no session policy allows the eks:ListClusters action',
    );
  });

  const ASSOCIATIONS = `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/dev/*`;
  const tagged = (account: string) =>
    podsStatement({ StringEquals: { 'aws:RequestTag/kubernetes-service-account': account } });
  const named = (pods: string) => podsStatement({ StringLike: { 'aws:RequestTag/kubernetes-pod-name': pods } });
  it.each<[string, object[], number]>([
    ['no condition', [podsStatement()], 200],
    ['the cluster as the source', [podsStatement({ ArnEquals: { 'aws:SourceArn': CLUSTER_ARN } })], 200],
    // awslabs/mountpoint-s3-csi-driver#781: EKS had accepted the association.
    ['an association as the source', [podsStatement({ ArnLike: { 'aws:SourceArn': ASSOCIATIONS } })], 400],
    ['the service account as a session tag', [tagged(CONTROLLER)], 200],
    ['another service account as a session tag', [tagged('other')], 400],
    ['pods by name', [named('ebs-csi-controller-*')], 200],
    ['pods with another name', [named('web-*')], 400],
    ['another account', [podsStatement({ StringEquals: { 'aws:SourceAccount': '999999999999' } })], 400],
    ['no sts:TagSession', [{ ...podsStatement(), Action: 'sts:AssumeRole' }], 400],
    ['a date in the past', [podsStatement({ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } })], 400],
  ])('evaluates the trust policy: %s', async (_what, trust, status) => {
    const { body, ...assumed } = await ask({ trust });
    const refused = {
      error: 'AccessDeniedException',
      message: 'Unauthorized Exception! EKS does not have permissions to assume the associated role.',
    };
    const taken = { error: undefined, message: undefined };
    expect({ ...assumed, message: body.message }).toEqual({ status, ...(status === 200 ? taken : refused) });
  });

  it('sends no tags if the association disables them, so that conditions on them are not met', async () => {
    const trust = [tagged(CONTROLLER)];
    expect(await ask({ trust, association: { disableSessionTags: true } })).toMatchObject({ status: 400 });
    expect(await ask({ association: { disableSessionTags: true } })).toMatchObject({ status: 200 });
  });

  it.each(['allows', 'denies'] as const)('%s an undecidable request, according to the knob', async (undecidedTrust) => {
    const trust = [podsStatement({ StringEquals: { 'aws:SourceOrgID': 'o-123456' } })];
    expect(await ask({ trust, knobs: { undecidedTrust } })).toMatchObject({
      status: undecidedTrust === 'allows' ? 200 : 400,
    });
  });

  describe('with a target role', () => {
    const TARGET = `arn:aws:iam::${ACCOUNT}:role/target`;
    const target = (Condition?: object) => ({
      arn: TARGET,
      trustPolicy: policyOf({
        Effect: 'Allow',
        Principal: { AWS: ROLE },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
        ...(Condition ? { Condition } : {}),
      }),
    });

    it('returns that role’s credentials', async () =>
      expect(
        (await ask({ roles: [target()], association: { targetRoleArn: TARGET } })).body.assumedRoleUser?.arn,
      ).toMatch(`assumed-role/target/eks-dev-`));

    it('fails if the target trusts another external id', async () => {
      const roles = [target({ StringEquals: { 'sts:ExternalId': 'another-id' } })];
      expect(await ask({ roles, association: { targetRoleArn: TARGET } })).toMatchObject({ status: 400 });
    });
  });

  it('fails for a service account without an association, and finds a new association with a delay', async () => {
    const lab = openLab({ knobs: { eksAuthLagSeconds: 5 } });
    const token = await podToken(lab);
    expect(await assumeForPod(lab, token)).toMatchObject({ status: 404, error: 'ResourceNotFoundException' });
    const subject = { clusterName: 'dev', namespace: 'kube-system', serviceAccount: CONTROLLER };
    await lab.eks.send(new CreatePodIdentityAssociationCommand({ ...subject, roleArn: ROLE }));
    lab.pass(4);
    expect(await assumeForPod(lab, token)).toMatchObject({ status: 404 });
    lab.pass(1);
    expect(await assumeForPod(lab, token)).toMatchObject({ status: 200 });
  });
});

describe('the token', () => {
  const refused = async (spec: Record<string, unknown>, pass = 0): Promise<Assumed> => {
    const lab = openLab({ association: {} });
    const token = await podToken(lab, spec);
    lab.pass(pass);
    return assumeForPod(lab, token);
  };

  it('must be for EKS Auth', async () =>
    expect(await refused({ audiences: ['sts.amazonaws.com'] })).toMatchObject({ error: 'InvalidTokenException' }));

  it('must be bound to an existing pod', async () => {
    expect(await refused({ boundObjectRef: null })).toMatchObject({ error: 'InvalidTokenException' });
    const lab = openLab({ association: {} });
    const token = await podToken(lab);
    lab.restart();
    expect(await assumeForPod(lab, token)).toMatchObject({ error: 'InvalidTokenException' });
  });

  it('expires', async () => {
    expect(await refused({ expirationSeconds: 600 }, 599)).toMatchObject({ status: 200 });
    expect(await refused({ expirationSeconds: 600 }, 600)).toMatchObject({ error: 'ExpiredTokenException' });
  });

  it('must be from that cluster, and unmodified', async () => {
    const lab = openLab({ association: {} });
    const own = await podToken(lab);
    const foreign = await podToken(openLab({ association: {} }));
    for (const token of [foreign, 'a.b.c', `${own}x`, own.replace(/\.[^.]+\./, '.e30.')])
      expect(await assumeForPod(lab, token)).toMatchObject({ status: 400, error: 'InvalidTokenException' });
    for (const token of ['', undefined, 7])
      expect(await assumeForPod(lab, token)).toMatchObject({ status: 400, error: 'InvalidParameterException' });
  });

  it.each([
    [{ expirationSeconds: 599 }, 422, 'may not specify a duration less than 10 minutes'],
    [{ boundObjectRef: { kind: 'Pod', name: 'nobody' } }, 404, 'pods "nobody" not found'],
    [{ boundObjectRef: { kind: 'Secret', name: 'x' } }, 400, 'binds tokens to pods only'],
    [{ audiences: 'sts.amazonaws.com' }, 400, 'spec.audiences'],
  ])('is not issued for %j', async (spec, status, message) =>
    expect(await tokenFor(openLab(), spec)).toMatchObject({ status, message: expect.stringContaining(message) }),
  );

  it('is not issued for a pod of another service account, or for a missing service account', async () => {
    const lab = openLab({ association: {} });
    const { name } = lab.pods()[0]!.metadata;
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name };
    expect(await tokenFor(lab, { audiences: AUDIENCES, boundObjectRef }, 'ebs-csi-node-sa')).toMatchObject({
      status: 400,
      message: expect.stringContaining('different serviceaccount'),
    });
    expect(await tokenFor(lab, {}, 'nobody')).toMatchObject({ status: 404 });
  });
});

describe('the caller', () => {
  it('needs the permission on that cluster', async () => {
    const lab: CredentialLab = openLab({ association: {} });
    const token = await podToken(lab);
    lab.world.accounts.get(ACCOUNT)!.roles.get('dev-nodes')!.attachedPolicies = [];
    expect(await assumeForPod(lab, token)).toMatchObject({
      status: 403,
      error: 'AccessDeniedException',
      body: { message: expect.stringContaining('is not authorized to perform: eks-auth:AssumeRoleForPodIdentity') },
    });
  });

  it('gets an error for a missing cluster, and for an unknown operation', async () => {
    const lab = openLab({ association: {} });
    expect(await assumeForPod(lab, 'x', { cluster: 'prod' })).toMatchObject({ error: 'ResourceNotFoundException' });
    expect(await assumeForPod(lab, 'x', { cluster: 'a/b' })).toMatchObject({ error: 'UnknownOperationException' });
  });

  it('is in the call log, without the token', async () => {
    const lab = openLab({ association: {} });
    const token = await podToken(lab);
    await assumeForPod(lab, token);
    expect(lab.world.log.calls.at(-1)).toMatchObject({
      service: 'eks-auth',
      operation: 'AssumeRoleForPodIdentity',
      caller: NODES,
      input: { clusterName: 'dev', namespace: 'kube-system', serviceAccount: CONTROLLER },
    });
    expect(lab.world.log.toJsonLines()).not.toContain(token);
  });
});
