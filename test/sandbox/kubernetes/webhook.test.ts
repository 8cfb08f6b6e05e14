import { describe, expect, test } from 'vitest';
import { applyAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import type { Container, Pod } from '../../../sandbox/objects/objects.ts';
import { isActive } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, removeObject } from '../../../sandbox/objects/store.ts';
import {
  associate,
  DEPLOYMENT,
  ebs,
  ebsWith,
  newEbsLab,
  newLab,
  restartPatch,
  ROLE,
  START,
  strategic,
  type Lab,
} from './support.ts';

const AGENT = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:
    '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token',
};

const env = ({ env: variables = [] }: Container) =>
  Object.fromEntries(variables.map(({ name, value }) => [name, value]));
const envs = (pod: Pod | undefined) => pod?.spec.containers.map(env);
const token = (pod: Pod | undefined) =>
  pod?.spec.volumes?.[0]?.projected?.sources[0]?.['serviceAccountToken'] as {
    audience?: string;
    expirationSeconds: number;
    path: string;
  };

/** Returns the newest of the controller's pods after the start of a rolling restart. */
const restarted = async (lab: Lab, value = 'once'): Promise<Pod | undefined> => {
  await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: restartPatch(value) });
  lab.pass(1);
  return lab.pods('ebs-csi-controller').findLast(isActive);
};

describe('a new pod', () => {
  test('keeps what was injected', () => {
    const lab = newEbsLab();
    const before = structuredClone(lab.pods('ebs-csi-controller'));
    associate(lab);
    lab.pass(3600);
    expect(lab.pods('ebs-csi-controller')).toEqual(before);
  });

  test('has Pod Identity only if it was seeded after the association', () => {
    const day = 86_400_000;
    const seeded = (createdAt: number) => {
      const lab = newLab();
      associate(lab, createdAt);
      const options = { irsaServiceAccounts: ['ebs-csi-controller-sa'], roleArn: ROLE, restart: false };
      applyAddonObjects(lab.world, lab.cluster, 'aws-ebs-csi-driver', ebs, options);
      lab.pass(1);
      return token(lab.pods('ebs-csi-controller')[0]).audience;
    };
    expect([seeded(START - day), seeded(START + day)]).toEqual(['pods.eks.amazonaws.com', 'sts.amazonaws.com']);
  });

  test('does not get Pod Identity from a deleted association', async () => {
    const lab = newEbsLab();
    associate(lab);
    for (const association of lab.cluster.associations.values()) association.deletedUntil = START + 2000;
    expect(token(await restarted(lab)).audience).toBe('sts.amazonaws.com');
  });

  test('does not get Pod Identity from an association of another service account or namespace', async () => {
    const lab = newEbsLab();
    associate(lab, START, 'ebs-csi-node-sa');
    associate(lab, START);
    [...lab.cluster.associations.values()][1]!.namespace = 'default';
    expect(token(await restarted(lab)).audience).toBe('sts.amazonaws.com');
  });
});

describe('the lag from association to webhook', () => {
  test('pods admitted within it lack Pod Identity, and only later pods have it', async () => {
    const lab = newEbsLab({ knobs: { webhookLagSeconds: 10 } });
    associate(lab);
    const early = await restarted(lab, 'early');
    expect(token(early).audience).toBe('sts.amazonaws.com');
    lab.pass(60);
    // The rollout's second pod was created after the lag, so the two differ permanently.
    expect(new Set(lab.pods('ebs-csi-controller').map((pod) => token(pod).audience))).toEqual(
      new Set(['pods.eks.amazonaws.com', 'sts.amazonaws.com']),
    );
    await restarted(lab, 'late');
    lab.pass(60);
    expect(lab.pods('ebs-csi-controller').map((pod) => token(pod).audience)).toEqual([
      'pods.eks.amazonaws.com',
      'pods.eks.amazonaws.com',
    ]);
  });

  test('pods admitted within it have no credentials at all without an annotation', () => {
    const lab = newLab({ knobs: { webhookLagSeconds: 10 } });
    associate(lab);
    applyAddonObjects(lab.world, lab.cluster, 'aws-ebs-csi-driver', ebs, {
      irsaServiceAccounts: ['ebs-csi-controller-sa'],
      restart: false,
    });
    lab.pass(1);
    expect(envs(lab.pods('ebs-csi-controller')[0])).toEqual([{}, {}]);
  });
});

test.each([
  [{ webhookFlapSeconds: 0 }, [true, true, true, true]],
  [{ webhookFlapSeconds: 60 }, [true, false, true, false]],
  [{ webhookFlapSeconds: 60, webhookFlapShare: 0.2 }, [true, true, true, true]],
  [{ webhookFlapSeconds: 60, webhookFlapShare: 1 }, [false, false, false, false]],
  [{ webhookFlapSeconds: 60, webhookLagSeconds: 30 }, [false, true, false, true]],
])('an association that the webhook does not use at times %j', async (knobs, expected) => {
  const lab = newEbsLab({ knobs });
  associate(lab);
  const injected: boolean[] = [];
  // Admitted 0, 40, 70 and 100 s after the association.
  for (const wait of [0, 39, 29, 29]) {
    lab.pass(wait);
    injected.push(token(await restarted(lab, `${injected.length}`)).audience === 'pods.eks.amazonaws.com');
  }
  expect(injected).toEqual(expected);
});

describe('the webhook respects', () => {
  test('the requested token lifetime; only the default has jitter with Pod Identity', async () => {
    const lab = newEbsLab({ objects: ebsWith({ replicas: 20 }) });
    associate(lab);
    await restarted(lab);
    lab.pass(300);
    const lives = lab.pods('ebs-csi-controller').map((pod) => token(pod).expirationSeconds);
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(79_200);
    expect(Math.max(...lives)).toBeLessThanOrEqual(86_400);
    expect(new Set(lives).size).toBeGreaterThan(10);

    getObject(lab.cluster.kube, 'ServiceAccount', 'kube-system', 'ebs-csi-controller-sa')!.metadata.annotations = {
      'eks.amazonaws.com/token-expiration': '60',
    };
    expect(token(await restarted(lab, 'short')).expirationSeconds).toBe(600);
  });

  test('a missing service account: Pod Identity, but no regional STS endpoint', async () => {
    const lab = newEbsLab();
    const { kube } = lab.cluster;
    associate(lab);
    removeObject(kube, 'ServiceAccount', getObject(kube, 'ServiceAccount', 'kube-system', 'ebs-csi-controller-sa')!);
    const [variables] = envs(await restarted(lab)) ?? [];
    expect(variables).toEqual({ AWS_DEFAULT_REGION: 'eu-west-1', AWS_REGION: 'eu-west-1', ...AGENT });
  });
});
