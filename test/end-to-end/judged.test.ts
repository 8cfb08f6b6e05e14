/**
 * Software whose AWS SDK is too old for EKS Pod Identity, and containers whose source of credentials is unknown, with each
 * strategy and at each level: what the migration claims, and what the pods have. The latter comes from the sandbox's EKS
 * Auth and STS, each container's SDK and the API server's objects (`judged.ts`), and never from the report. All ways: `judged.grid.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ADDON } from './fixture.ts';
import { type Judged, judged, NEW_SDK, OLD_SDK, type Way, WAYS } from './judged.ts';
import { describeWays, expectClaim, expectRestored, methodsOf, unwrapped, withSdk } from './judged-ways.ts';
import { containing } from '../lambdas/matchers.ts';

const blockedBy = ({ report }: Judged): string[] =>
  (report.plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);
// An update in place and a Deployment are in the tests below.
describeWays(
  WAYS.filter(({ title }) => ['an add-on, recreated', 'a service account with a StatefulSet'].includes(title)),
);

describe('software that exits at its first call', () => {
  const inPlace = WAYS[0]!;

  it.each([0, 5, 30, 55, 60])('after %i seconds is found', async (firstCallSeconds) =>
    expectRestored(await judged(inPlace, {}, { change: withSdk(inPlace, OLD_SDK), knobs: { firstCallSeconds } })),
  );

  it('after the settling time looks stable: the text claims no use, and the service stays honest about it', async () => {
    const run = await judged(inPlace, {}, { change: withSdk(inPlace, OLD_SDK), knobs: { firstCallSeconds: 600 } });
    expectClaim(run, 'ready');
    expect(methodsOf(run.after)).toContain('SdkTooOld');
  });
});

describe('an image that is known to be too old', () => {
  const IMAGE = 'public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.20.0';
  const inAddon = (sdk: typeof OLD_SDK) => (cluster: ScenarioCluster) => {
    const addon = cluster.addons.find(({ name }) => name === ADDON)!;
    addon.software = [{ workload: 'ebs-csi-controller', container: 'ebs-plugin', image: IMAGE, sdk }];
  };
  const DNS = { namespace: 'dns', name: 'external-dns' };
  const MIRROR = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/external-dns:v0.13.6';
  const inAccount = (sdk: typeof OLD_SDK) => (cluster: ScenarioCluster) => {
    for (const { containers = [] } of cluster.workloads) for (const container of containers) container.sdk = sdk;
  };
  const subjects = [
    { title: 'of an add-on', subject: WAYS[0]!, image: IMAGE, put: inAddon },
    {
      title: 'of a service account',
      subject: { scenario: 'old-sdk-known-image', account: DNS, asked: { serviceAccount: DNS } },
      image: MIRROR,
      put: inAccount,
    },
  ];

  describe.each(subjects)('$title', ({ subject, image, put }) => {
    it.each(['injected', 'ready', 'api'] as const)(
      'blocks at the level %s, and changes nothing',
      async (verification) => {
        const run = await judged(subject, { verification }, { change: put(OLD_SDK) });
        expect([run.report.outcome, blockedBy(run)]).toEqual(['blocked', ['aws-sdk-version']]);
        expect(unwrapped(run.text)).toContain(`--accept image:${image}`);
        expect([run.changes, run.after, methodsOf(run.after)]).toEqual([[], run.before, ['irsa']]);
      },
    );

    it('that is accepted and is newer than its tag, is migrated', async () => {
      const run = await judged(subject, { accept: [`image:${image}`] }, { change: put(NEW_SDK) });
      expectClaim(run, 'ready');
      expect(unwrapped(run.text)).toContain('The request accepts 1 image with an AWS SDK that is too old');
      expect(methodsOf(run.after)).toEqual(['pod-identity']);
    });

    it('that is accepted by mistake is rolled back', async () =>
      expectRestored(await judged(subject, { accept: [`image:${image}`] }, { change: put(OLD_SDK) })));

    it('stays blocked by the acceptance of another tag', async () => {
      const run = await judged(subject, { accept: [`image:${image}-other`] }, { change: put(OLD_SDK) });
      expect({ outcome: run.report.outcome, blockedBy: blockedBy(run) }).toEqual({
        outcome: 'blocked',
        blockedBy: ['aws-sdk-version'],
      });
    });
  });
});

describe('a container whose source of credentials is unknown', () => {
  const DASHBOARD = { namespace: 'reports', name: 'dashboard' };
  const IGNORES = { name: 'js-v3', version: '3.758.0' } as const;
  const inAccount = (sdk: Parameters<Way['put']>[1]) => (cluster: ScenarioCluster) => {
    for (const { containers = [] } of cluster.workloads) for (const container of containers) container.sdk = sdk;
  };
  const inAddon = (sdk: Parameters<Way['put']>[1]) => (cluster: ScenarioCluster) => {
    WAYS[0]!.put(cluster, sdk);
    WAYS[0]!.addProfile(cluster);
  };
  const subjects = [
    { title: 'of an add-on', subject: WAYS[0]!, container: 'ebs-csi-controller/ebs-plugin', put: inAddon },
    {
      title: 'of a service account',
      subject: { scenario: 'unknown-credentials', account: DASHBOARD, asked: { serviceAccount: DASHBOARD } },
      container: 'dashboard/dashboard',
      put: inAccount,
    },
  ];

  describe.each(subjects)('$title', ({ subject, container, put }) => {
    it.each(['injected', 'ready'] as const)('blocks at the level %s, and changes nothing', async (verification) => {
      const run = await judged(subject, { verification }, { change: put(IGNORES) });
      expect([run.report.outcome, blockedBy(run)]).toEqual(['blocked', ['unknown-credentials']]);
      expect(unwrapped(run.text)).toContain(`--accept unknown-credentials:${container}`);
      expect([run.changes, run.after]).toEqual([[], run.before]);
    });

    it('is a warning at the level api, which reads no pod', async () => {
      const run = await judged(subject, { verification: 'api' }, { change: put(IGNORES) });
      expectClaim(run, 'api');
      expect(run.report.plan!.checks).toContainEqual(
        expect.objectContaining({ id: 'unknown-credentials', status: 'warn' }),
      );
    });

    it('and accepted, is migrated with a warning that names it; the pods have credentials', async () => {
      const run = await judged(subject, { accept: [`unknown-credentials:${container}`] }, { change: put(IGNORES) });
      expectClaim(run, 'ready');
      expect(run.report.warnings).toMatchObject([
        { id: 'credentials-unknown', message: containing('has AWS_PROFILE') },
      ]);
      expect(methodsOf(run.after)).toEqual(['pod-identity']);
    });
  });

  it('and whose software already finds none, blocks: nothing would show that the change did no harm', async () => {
    const fails = { name: 'go-v2', version: '2025-01-15' } as const;
    const [, { subject, container, put }] = subjects as [unknown, (typeof subjects)[number]];
    const run = await judged(subject, { accept: [`unknown-credentials:${container}`] }, { change: put(fails) });
    expect(methodsOf(run.before)).toEqual(['ProfileNotFound']);
    expect({ outcome: run.report.outcome, blockedBy: blockedBy(run) }).toEqual({
      outcome: 'blocked',
      blockedBy: ['pods-before'],
    });
  });
});
