import { describe, expect, it } from 'vitest';
import type { Container, Mount } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkCredentials } from '../../../../lambdas/domain/plan/preflight-credentials.ts';
import { aContainer, aPod, aRequest, aWorkload, envOf, mountsOf, planned, someFacts, TOKENS } from '../../fixtures.ts';
import { only, said, containing } from '../../matchers.ts';

/** The controller's template has that container, its pods what the webhook made of it. */
const withContainer = (change: Partial<Container>, facts: Partial<Facts> = {}): Facts =>
  someFacts({
    pods: [aPod('irsa')],
    workloads: [aWorkload({ containers: [aContainer(), aContainer({ name: 'sidecar', ...change })] })],
    ...facts,
  });
/** A pod of no workload that is read, as the webhook has left it. */
const alone = (change: Partial<Container>, facts: Partial<Facts> = {}): Facts => {
  const containers = [aContainer({ env: envOf.irsa, mounts: mountsOf.irsa, ...change })];
  const pod = aPod('irsa', { name: 'p', owner: { kind: 'Job', name: 's' }, containers });
  return someFacts({ pods: [pod], workloads: [], ...facts });
};
const accepting = (
  acceptedUnknownCredentials: string[],
  change: Partial<MigrationRequestInput> = {},
): Partial<Facts> => ({
  request: aRequest({ accept: acceptedUnknownCredentials.map((name) => `unknown-credentials:${name}`), ...change }),
});
const checks = (facts: Facts, id: string): Check[] => checkCredentials(facts, [planned]).filter((one) => one.id === id);
const OWN: Mount = { volume: TOKENS.podIdentity.volume, path: '/own' };

describe('static-credentials', () => {
  const check = (facts: Facts): Check => only(checks(facts, 'static-credentials'));

  it('passes for a pod with nothing but what the webhook injects', () => {
    for (const facts of [withContainer({}), alone({}), someFacts({ pods: [aPod('pod-identity')] })]) {
      expect([check(facts).status, checks(facts, 'unknown-credentials')]).toEqual(['pass', []]);
    }
  });

  const KEYS =
    /container sidecar of Deployment ebs-csi-controller has AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \(valueFrom\), with which AWS SDKs use static keys/;
  const ownToken = { env: { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/x' } };
  const twoKeys = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: undefined };
  const identity = { AWS_ROLE_ARN: 'x', AWS_WEB_IDENTITY_TOKEN_FILE: '/x' };
  const whole = { ...envOf['pod-identity'], AWS_REGION: 'r', AWS_STS_REGIONAL_ENDPOINTS: 'regional' };
  const ownPath = { ...envOf['pod-identity'], AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/own/eks-pod-identity-token' };
  it.each<[string, Partial<Container>, RegExp]>([
    ['static keys', { env: twoKeys }, KEYS],
    ['an address that comes first', { env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' } }, /ask 169\.254\.170\.2/],
    ['an address of its own', { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://x' } }, /http:\/\/x, which is not/],
    ['a token file of its own', ownToken, /so that the webhook does not add the address of the agent/],
    ['a web identity without a token', { env: identity }, /find no token at \/x, where no volume is mounted/],
    ['a mount of the token elsewhere', { mounts: [OWN] }, /find no token at \/var\/run\/secrets\/pods/],
    ['the complete configuration, region and STS, and so no mount', { env: whole }, /find no token/],
  ])('fails for a template with %s', (_, change, message) => {
    expect(check(withContainer(change))).toMatchObject(said('fail', message));
    expect(checks(withContainer(change), 'unknown-credentials')).toEqual([]);
    expect(planMigration(withContainer(change)).verdict).toBe('blocked');
    expect(check(withContainer({ ...change, init: true })).status).toBe('fail');
  });

  it.each<[string, Partial<Container>]>([
    ['a role without a token file', { env: { AWS_ROLE_ARN: 'x' } }],
    ['the complete configuration', { env: envOf['pod-identity'] }],
    ['its own path and mount', { env: ownPath, mounts: [OWN] }],
    ['empty values', { env: { AWS_ACCESS_KEY_ID: '', AWS_WEB_IDENTITY_TOKEN_FILE: '' } }],
  ])('passes for a template with %s', (_, change) =>
    expect(checkCredentials(withContainer(change), [planned])).toMatchObject([{ status: 'pass' }]),
  );

  it('fails for a template with IRSA of its own, if its token is mounted', () => {
    const sidecar = aContainer({ name: 'sidecar', env: envOf.irsa, mounts: mountsOf.irsa });
    const workloads = [aWorkload({ containers: [sidecar], tokens: [TOKENS.irsa], volumes: [TOKENS.irsa.volume] })];
    const facts = someFacts({ pods: [aPod('irsa')], workloads });
    expect(check(facts)).toMatchObject(said('fail', 'with which AWS SDKs assume that role'));
  });

  it('does not concern containers that the webhook skips, nor other service accounts', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    const templateAnnotations = { 'eks.amazonaws.com/skip-containers': 'sidecar' };
    const containers = [aContainer(), aContainer({ name: 'sidecar', env: keys })];
    const skipping = aWorkload({ containers, templateAnnotations });
    const other = aWorkload({ name: 'other', serviceAccount: 'other', containers });
    expect(check(someFacts({ pods: [aPod('irsa')], workloads: [skipping, other] })).status).toBe('pass');
  });

  it('warns of keys of a Secret that may be missing, as every EBS CSI driver has them', () => {
    const keys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const found = withContainer({ env: keys, optionalEnv: Object.keys(keys) });
    expect(check(found)).toMatchObject(said('warn', 'AWS_ACCESS_KEY_ID in container sidecar', 'kubectl get secrets'));
    expect(planMigration(found).verdict).toBe('migrate');
  });

  it('reads pods whose workload is not read, without what the webhook has injected', () => {
    expect(check(alone({ env: envOf.mixed, mounts: mountsOf.mixed })).status).toBe('pass');
    const own = alone({ env: { ...envOf.irsa, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' } });
    expect(check(own)).toMatchObject(said('fail', 'container ebs-plugin of Pod p has'));
  });

  it('reads containers that other webhooks have added to pods', () => {
    const pod = aPod('irsa');
    const added = aContainer({ name: 'added', env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' } });
    const pods = [{ ...pod, containers: [...pod.containers, added] }];
    expect(check(withContainer({}, { pods })).message).toContain('container added of Deployment ebs-csi-controller');
  });

  it('is not made if no pod could be read', () =>
    expect(checkCredentials(someFacts({ pods: undefined }), [planned])).toEqual([]));
});

describe('unknown-credentials', () => {
  const check = (facts: Facts): Check => only(checks(facts, 'unknown-credentials'));
  const PROFILE = { env: { AWS_PROFILE: 'x' } };

  it.each<[string, Partial<Container>]>([
    ['AWS_PROFILE', PROFILE],
    ['AWS_DEFAULT_PROFILE', { env: { AWS_DEFAULT_PROFILE: 'x' } }],
    ['AWS_CONFIG_FILE', { env: { AWS_CONFIG_FILE: '/x' } }],
    ['AWS_SHARED_CREDENTIALS_FILE', { env: { AWS_SHARED_CREDENTIALS_FILE: '/x' } }],
    ['AWS_ACCESS_KEY_ID', { env: { AWS_ACCESS_KEY_ID: 'x' } }],
    ['AWS_SECRET_KEY', { env: { AWS_ACCESS_KEY: 'x', AWS_SECRET_KEY: 'x' } }],
    ['AWS_WEB_IDENTITY_TOKEN_FILE', { env: { AWS_WEB_IDENTITY_TOKEN_FILE: '/x' } }],
    ['Secret/aws', { envFrom: ['Secret/aws'] }],
  ])('blocks for %s, until it is accepted, which stays a warning', (name, change) => {
    const open = check(withContainer(change));
    const option = /: --accept unknown-credentials:ebs-csi-controller\/sidecar$/;
    expect(open).toMatchObject(said('unknown', 'container sidecar of Deployment ebs-csi-controller ', option));
    expect([open.message, planMigration(withContainer(change)).verdict]).toEqual([containing(name), 'blocked']);
    const accepted = withContainer(change, accepting(['ebs-csi-controller/sidecar']));
    expect([check(accepted), planMigration(accepted).verdict]).toMatchObject([said('warn', name), 'migrate']);
  });

  it('names every container in the flags, and blocks for those that are not accepted', () => {
    const containers = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => aContainer({ name, ...PROFILE }));
    const facts = { workloads: [aWorkload({ containers })] };
    const all = containers.map(({ name }) => `--accept unknown-credentials:ebs-csi-controller/${name}`);
    expect(check(withContainer({}, facts)).remedy).toMatch(new RegExp(`: ${all.join(' ')}$`));
    const one = withContainer({}, { ...facts, ...accepting(['ebs-csi-controller/a']) });
    const [open, accepted] = checks(one, 'unknown-credentials');
    expect(open?.remedy).toMatch(new RegExp(`: ${all.slice(1).join(' ')}$`));
    expect(accepted).toMatchObject(said('warn', 'container a of'));
  });

  it('warns of an accept that matches nothing', () => {
    const facts = withContainer({}, accepting(['ebs-csi-controller/sidecar', 'no/such']));
    expect(check(facts)).toMatchObject(said('warn', /: ebs-csi-controller\/sidecar, no\/such\.$/));
  });

  it('only warns if no pod is verified', () =>
    expect(check(withContainer(PROFILE, accepting([], { verification: 'api' }))).status).toBe('warn'));

  it('names a pod whose workload is not read by its own name', () => {
    const env = { ...envOf.irsa, AWS_PROFILE: 'x' };
    expect(check(alone({ env })).remedy).toMatch(/--accept unknown-credentials:p\/ebs-plugin$/);
    expect(check(alone({ env }, accepting(['p/ebs-plugin']))).status).toBe('warn');
  });

  it.each(['irsa', 'pod-identity'] as const)(
    'reads what other webhooks add to the containers of pods (%s)',
    (identity) => {
      const pod = aPod(identity);
      const containers = pod.containers.map((one) => ({ ...one, envFrom: ['Secret/aws'] }));
      const why = 'container ebs-plugin of Deployment ebs-csi-controller gets variables from Secret/aws (envFrom)';
      expect(check(someFacts({ pods: [{ ...pod, containers }] }))).toMatchObject(said('unknown', why));
      const other = { ...pod, containers, name: 'b', serviceAccount: 'shop' };
      const pods = [pod, other, { ...pod, containers, terminating: true }];
      expect(checks(someFacts({ pods }), 'unknown-credentials')).toEqual([]);
    },
  );

  it.each<[Container['env'][], RegExp]>([
    [[{ HTTP_PROXY: 'http://proxy:3128' }], /^In the .*, add the address of the agent to NO_PROXY, as the check proxy/],
    [[{ http_proxy: 'http://proxy:3128' }, { AWS_PROFILE: 'x' }], /^Remove these .*; for a proxy, add the address of/],
    [[{ AWS_PROFILE: 'x' }], /^Remove these variables from [^;]*\. If /],
  ])('asks to leave a proxy, and to except the agent from it: %j', (envs, remedy) => {
    const containers = envs.map((env, index) => aContainer({ name: `c-${index}`, env }));
    const found = checks(someFacts({ pods: [], workloads: [aWorkload({ containers })] }), 'unknown-credentials');
    expect(only(found).remedy).toMatch(remedy);
  });

  it.each(['ebs-csi-controller/side', 'ebs-csi-controller/sidecar2', 'ebs-csi/sidecar', 'kube-system/sidecar'])(
    'is not settled by a name that is not exactly that of the container: %s',
    (name) => {
      const found = checks(withContainer(PROFILE, accepting([name])), 'unknown-credentials');
      expect(found.map(({ status }) => status)).toEqual(['unknown', 'warn']);
    },
  );

  it('makes no text long for thousands of containers, and names as many as a request accepts', () => {
    const env = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: undefined, AWS_PROFILE: 'x' };
    const containers = Array.from({ length: 3000 }, (_, index) => aContainer({ name: `c-${index}`, env }));
    const { message, remedy = '' } = check(someFacts({ pods: [], workloads: [aWorkload({ containers })] }));
    expect(message.length + remedy.length).toBeLessThan(20_000);
    expect(remedy.match(/--accept/g)).toHaveLength(100);
  });

  it('reads a workload that has the name of one of another kind, before and after it', () => {
    const dark = aWorkload({ containers: [aContainer({ env: { AWS_PROFILE: 'x' } })] });
    const clear = aWorkload({ kind: 'StatefulSet', containers: [aContainer()] });
    const both = [dark, clear];
    for (const workloads of [both, both.toReversed()]) {
      const found = check(someFacts({ pods: [], workloads }));
      expect(found).toMatchObject(said('unknown', 'of Deployment ebs-csi-controller has AWS_PROFILE'));
    }
  });

  it('blocks for a template with a volume of that name, whose content it does not show', () => {
    const workloads = [aWorkload({ containers: [aContainer()], volumes: [TOKENS.podIdentity.volume] })];
    const { message } = check(someFacts({ pods: [aPod('irsa')], workloads }));
    expect(message).toContain('which is in volume eks-pod-identity-token');
  });
});
