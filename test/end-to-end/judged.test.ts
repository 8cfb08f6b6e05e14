/**
 * Software whose AWS SDK is too old for EKS Pod Identity, and containers whose source of credentials is unknown, with each
 * strategy and at each level: what the migration claims, and what the pods have. The latter comes from the sandbox's EKS
 * Auth and STS, each container's SDK and the API server's objects (`judged.ts`), and never from the report.
 */
import { describe, expect, it } from 'vitest';
import type { ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { ADDON } from './fixture.ts';
import { type Had, type Judged, judged, NEW_SDK, OLD_SDK, type Way, WAYS } from './judged.ts';

const HIDES = { softwareWithoutCredentials: 'logs' } as const;
const TEXTS = {
  injected: 'verified: injected (credentials configuration injected; use of the credentials not observed)',
  ready: 'verified: ready (stable; use of the credentials not observed)',
  api: 'verified: api (reported by EKS; no pod was inspected)',
} as const;
type Level = keyof typeof TEXTS;

const withSdk =
  ({ put }: Way, sdk: typeof OLD_SDK) =>
  (cluster: ScenarioCluster): void =>
    put(cluster, sdk);
const methodsOf = (pods: readonly Had[]): string[] => [
  ...new Set(pods.flatMap(({ gets }) => gets.map((one) => one.split(' ')[0]!))),
];
const stable = (pods: readonly Had[]): boolean => pods.every(({ ready, restarts }) => ready && restarts === 0);
const blockedBy = ({ report }: Judged): string[] =>
  (report.plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);
/** The text without the ragged ends of its lines. */
const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** Expects what the text must hold at this level, and that it claims no more. */
function expectClaim({ report, text }: Judged, level: Level): void {
  expect({ outcome: report.outcome, verified: report.verified }).toEqual({ outcome: 'migrated', verified: level });
  expect(unwrapped(text)).toContain(TEXTS[level]);
  const others = Object.entries(TEXTS).filter(([other]) => other !== level);
  expect(others.filter(([, claim]) => unwrapped(text).includes(claim))).toEqual([]);
  expect(text).not.toMatch(/\bproved|\bproven|credentials (?:are|were) used/i);
}

/** Expects that everything is as it was, and that the pods have the credentials that they had. */
function expectRestored(run: Judged): void {
  const { report, text, before, after, state } = run;
  expect({ outcome: report.outcome, failure: report.failure?.name }).toEqual({
    outcome: 'rolled-back',
    failure: 'PodsFailing',
  });
  expect(report.verification.pods.map(({ level }) => level)).not.toContain('ready');
  expect(text).not.toContain(TEXTS.ready);
  expect(unwrapped(text)).toMatch(/kubectl -n \S+ logs \S+ --all-containers --previous/);
  expect(methodsOf(before)).toEqual(['irsa']);
  expect(after).toEqual(before);
  expect(state.after).toEqual(state.before);
}

describe.each(WAYS)('$title', (way) => {
  it('with an SDK that is just new enough is ready, and each container has the role of the association', async () => {
    const run = await judged(way, {}, { change: withSdk(way, NEW_SDK) });
    expectClaim(run, 'ready');
    expect(methodsOf(run.before)).toEqual(['irsa']);
    expect(methodsOf(run.after)).toEqual(['pod-identity']);
    expect(stable(run.after)).toBe(true);
  });

  it('with an SDK that is one release too old, whose software exits, is rolled back and never called ready', async () => {
    expectRestored(await judged(way, {}, { change: withSdk(way, OLD_SDK) }));
  });

  it('with such software whose source of credentials is unknown, and accepted, is rolled back as well', async () => {
    const change = (cluster: ScenarioCluster): void => {
      way.put(cluster, { name: 'js-v3', version: '3.457.0' });
      way.addProfile(cluster);
    };
    const run = await judged(way, way.accepts, { change });
    expectRestored(run);
    expect(run.report.warnings).toEqual([]);
  });

  it('with an SDK whose source is unknown, and accepted, is rolled back on demand to the credentials that it had', async () => {
    const change = (cluster: ScenarioCluster): void => {
      way.put(cluster, { name: 'js-v3', version: '3.758.0' });
      way.addProfile(cluster);
    };
    const { report, before, after, state } = await judged(way, way.accepts, { change, rollBack: true });
    expect(report).toMatchObject({ outcome: 'rolled-back', rollback: { after: 'migrated' }, warnings: [] });
    expect(methodsOf(before)).toEqual(['irsa']);
    expect(after).toEqual(before);
    expect(state.after).toEqual(state.before);
  });

  it('with such software that hides it, is called stable and no more, although it has no credentials', async () => {
    const run = await judged(way, {}, { change: withSdk(way, OLD_SDK), knobs: HIDES });
    expectClaim(run, 'ready');
    expect(methodsOf(run.after)).toContain('SdkTooOld');
    expect(stable(run.after)).toBe(true);
  });

  it.each([
    ['exits', {}],
    ['hides it', HIDES],
  ] as const)('at the level injected, with software that %s, is called injected and no more', async (_, knobs) => {
    const run = await judged(way, { verification: 'injected' }, { change: withSdk(way, OLD_SDK), knobs });
    expectClaim(run, 'injected');
    expect(methodsOf(run.after)).toContain('SdkTooOld');
    expect(run.report.steps.map(({ name }) => name)).not.toContain('confirm-ready');
  });

  it('at the level api is called reported by EKS, whatever the pods have', async () => {
    const run = await judged(way, { verification: 'api' }, { change: withSdk(way, OLD_SDK) });
    expectClaim(run, 'api');
    expect(run.report.verification.pods).toEqual([]);
    expect(run.report.warnings.map(({ id }) => id)).toEqual(['pods-not-seen']);
    // Pods that nothing has replaced still have their former credentials; others have none.
    expect(['irsa', 'SdkTooOld']).toEqual(
      expect.arrayContaining(methodsOf(run.after).filter((one) => one !== 'pod-identity')),
    );
  });
});

describe('software that exits at its first call', () => {
  const inPlace = WAYS[0]!;

  it.each([0, 5, 30, 55, 60])('after %i seconds is found', async (firstCallSeconds) => {
    expectRestored(await judged(inPlace, {}, { change: withSdk(inPlace, OLD_SDK), knobs: { firstCallSeconds } }));
  });

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
        expect(run.report.outcome).toBe('blocked');
        expect(blockedBy(run)).toEqual(['aws-sdk-version']);
        expect(unwrapped(run.text)).toContain(`--accept-image ${image}`);
        expect(run.changes).toEqual([]);
        expect(run.after).toEqual(run.before);
        expect(methodsOf(run.after)).toEqual(['irsa']);
      },
    );

    it('that is accepted and is newer than its tag, is migrated', async () => {
      const run = await judged(subject, { acceptImages: [image] }, { change: put(NEW_SDK) });
      expectClaim(run, 'ready');
      expect(unwrapped(run.text)).toContain('The request accepts 1 image with an AWS SDK that is too old');
      expect(methodsOf(run.after)).toEqual(['pod-identity']);
    });

    it('that is accepted by mistake is rolled back', async () => {
      expectRestored(await judged(subject, { acceptImages: [image] }, { change: put(OLD_SDK) }));
    });

    it('stays blocked by the acceptance of another tag', async () => {
      const run = await judged(subject, { acceptImages: [`${image}-other`] }, { change: put(OLD_SDK) });
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
      expect(run.report.outcome).toBe('blocked');
      expect(blockedBy(run)).toEqual(['unknown-credentials']);
      expect(unwrapped(run.text)).toContain(`--accept-unknown-credentials ${container}`);
      expect(run.changes).toEqual([]);
      expect(run.after).toEqual(run.before);
    });

    it('is a warning at the level api, which reads no pod', async () => {
      const run = await judged(subject, { verification: 'api' }, { change: put(IGNORES) });
      expectClaim(run, 'api');
      expect(run.report.plan!.checks).toContainEqual(
        expect.objectContaining({ id: 'unknown-credentials', status: 'warn' }),
      );
    });

    it('and accepted, is migrated with a warning that names it; the pods have credentials', async () => {
      const run = await judged(subject, { acceptUnknownCredentials: [container] }, { change: put(IGNORES) });
      expectClaim(run, 'ready');
      expect(run.report.warnings).toMatchObject([
        { id: 'credentials-unknown', message: expect.stringContaining('has AWS_PROFILE') as string },
      ]);
      expect(methodsOf(run.after)).toEqual(['pod-identity']);
    });
  });

  it('and whose software already finds none, blocks: nothing would show that the change did no harm', async () => {
    const fails = { name: 'go-v2', version: '2025-01-15' } as const;
    const [, { subject, container, put }] = subjects as [unknown, (typeof subjects)[number]];
    const run = await judged(subject, { acceptUnknownCredentials: [container] }, { change: put(fails) });
    expect(methodsOf(run.before)).toEqual(['ProfileNotFound']);
    expect({ outcome: run.report.outcome, blockedBy: blockedBy(run) }).toEqual({
      outcome: 'blocked',
      blockedBy: ['pods-before'],
    });
  });
});
