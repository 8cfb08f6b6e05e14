import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/migration/model.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkProxy, checkStaticCredentials } from '../../../../lambdas/domain/plan/preflight-pods.ts';
import { aCluster, aContainer, aPod, aWorkload, envOf, planned, someFacts } from '../../fixtures.ts';

const PLANNED = [planned];
/** The controller's template has that container, its pods what the webhook made of it. */
const withContainer = (change: Partial<Container>, facts: Partial<Facts> = {}): Facts =>
  someFacts({
    pods: [aPod('irsa')],
    workloads: [aWorkload({ containers: [aContainer(), aContainer({ name: 'sidecar', ...change })] })],
    ...facts,
  });
/** A pod of no workload that is read, as the webhook has left it. */
const alone = (change: Partial<Container>): Facts =>
  someFacts({
    pods: [
      aPod('irsa', {
        name: 'p',
        owner: { kind: 'StatefulSet', name: 's' },
        containers: [aContainer({ env: envOf.irsa, ...change })],
      }),
    ],
    workloads: [],
  });
const only = (checks: Check[]): Check => {
  expect(checks).toHaveLength(1);
  return checks[0]!;
};

describe('static-credentials', () => {
  const check = (facts: Facts): Check => only(checkStaticCredentials(facts, PLANNED));

  it('passes where a pod has nothing but what the webhook gave it', () => {
    expect(check(withContainer({})).status).toBe('pass');
    expect(check(alone({})).status).toBe('pass');
    expect(check(someFacts({ pods: [aPod('pod-identity')] })).status).toBe('pass');
  });

  it.each([
    'AWS_ACCESS_KEY_ID',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_ROLE_ARN',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  ])('fails where the template sets %s', (name) => {
    const found = check(withContainer({ env: { [name]: 'x' } }));
    expect(found).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(`${name} in container sidecar of Deployment ebs-csi-controller`) as string,
    });
    expect(planMigration(withContainer({ env: { [name]: 'x' } })).verdict).toBe('blocked');
  });
  it('fails where the value comes from a Secret that must be there', () => {
    expect(check(withContainer({ env: { AWS_ACCESS_KEY_ID: undefined } })).status).toBe('fail');
  });
  it('warns where the Secret may be missing, as every EBS CSI driver has it', () => {
    expect(
      check(withContainer({ env: { AWS_ACCESS_KEY_ID: undefined }, optionalEnv: ['AWS_ACCESS_KEY_ID'] })),
    ).toMatchObject({ status: 'warn', remedy: expect.stringContaining('kubectl get secrets') as string });
  });
  it.each(['AWS_SHARED_CREDENTIALS_FILE', 'AWS_PROFILE'])('warns of %s', (name) => {
    expect(check(withContainer({ env: { [name]: 'x' } })).status).toBe('warn');
  });
  it('looks at pods whose workload is none that is read: static keys fail, what the webhook puts there does not', () => {
    expect(check(alone({ env: { ...envOf.irsa, AWS_ACCESS_KEY_ID: 'AK' } }))).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID in container ebs-plugin of Pod p') as string,
    });
    expect(check(alone({ env: envOf.mixed })).status).toBe('pass');
  });
  it('fails where such a pod has an address that the webhook never sets', () => {
    expect(
      check(alone({ env: { ...envOf['pod-identity'], AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' } })),
    ).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(
        'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI in container ebs-plugin of Pod p',
      ) as string,
    });
  });
  it("looks at init containers too, and at no other service account's workload", () => {
    expect(check(withContainer({ init: true, env: { AWS_ROLE_ARN: 'x' } })).status).toBe('fail');
    const other = aWorkload({
      name: 'other',
      serviceAccount: 'other',
      containers: [aContainer({ env: { AWS_ACCESS_KEY_ID: 'x' } })],
    });
    expect(check(someFacts({ pods: [aPod('irsa')], workloads: [aWorkload(), other] })).status).toBe('pass');
  });
  it('is not asked where no pod could be read', () => {
    expect(checkStaticCredentials(someFacts({ pods: undefined }), PLANNED)).toEqual([]);
  });
});

describe('proxy', () => {
  const check = (env: Container['env'], facts: Partial<Facts> = {}): Check[] =>
    checkProxy(withContainer({ env }, facts), PLANNED);
  const PROXY = { HTTP_PROXY: 'http://proxy:3128' };

  it('is no check where nobody has set one', () => {
    expect(check({})).toEqual([]);
    expect(check({ HTTP_PROXY: '' })).toMatchObject([{ status: 'pass' }]);
    expect(checkProxy(someFacts({ pods: undefined, workloads: undefined }), PLANNED)).toEqual([]);
  });
  it.each(['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'warns of %s without the agent in NO_PROXY, with the exact value',
    (name) => {
      const found = only(check({ [name]: 'http://proxy:3128', NO_PROXY: 'localhost,10.0.0.0/8,.svc' }));
      expect(found).toMatchObject({
        id: 'proxy',
        status: 'warn',
        message: expect.stringContaining(
          '169.254.170.23 in container sidecar of Deployment ebs-csi-controller',
        ) as string,
      });
      expect(found.remedy).toContain('169.254.170.23,[fd00:ec2::23]');
      expect(planMigration(withContainer({ env: PROXY })).verdict).toBe('migrate');
    },
  );
  it.each(['169.254.170.23', 'localhost, 169.254.170.23', '169.254.0.0/16', '*', '169.254.170.23,[fd00:ec2::23]'])(
    'passes with NO_PROXY %s',
    (NO_PROXY) => {
      expect(only(check({ ...PROXY, NO_PROXY })).status).toBe('pass');
      expect(only(check({ ...PROXY, no_proxy: NO_PROXY })).status).toBe('pass');
    },
  );
  it.each(['169.254.169.254', '169.254.170.2', '1169.254.170.23', ''])('warns with NO_PROXY %j', (NO_PROXY) => {
    expect(only(check({ ...PROXY, NO_PROXY })).status).toBe('warn');
  });
  it('wants the IPv6 address too where pods have such', () => {
    const cluster = { cluster: aCluster({ ipv6: true }) };
    expect(only(check({ ...PROXY, NO_PROXY: '169.254.170.23' }, cluster))).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('lacks fd00:ec2::23') as string,
    });
    for (const NO_PROXY of [
      '169.254.170.23,[fd00:ec2::23]',
      '169.254.170.23,fd00:ec2::23',
      '169.254.170.23,fd00:ec2::/32',
    ])
      expect(only(check({ ...PROXY, NO_PROXY }, cluster)).status).toBe('pass');
  });
});
