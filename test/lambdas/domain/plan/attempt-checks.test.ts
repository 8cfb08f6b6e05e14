/**
 * Checks that concern some of the attempts: they block an explicit strategy, and remove attempts of `auto`.
 */
import { describe, expect, it } from 'vitest';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import type { Check, MigrationRequestInput, Attempt } from '../../../../lambdas/domain/migration/model.ts';
import type { CustomResourceFact, AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import {
  aCluster,
  anAddon,
  aRequest,
  GRANTED,
  IN_PLACE,
  RECREATE,
  RECREATE_PRESERVING,
  someFacts,
  VERSION,
} from '../../fixtures.ts';
import { textLike } from '../../expectations.ts';

const inPlace = { strategy: 'in-place' } as const;
const recreate = { strategy: 'recreate' } as const;
const preserving = { strategy: 'recreate', preserve: true } as const;
const auto = { strategy: 'auto' } as const;
const autoOutage = { strategy: 'auto', maxDisruption: 'outage' } as const;

const withdrawn = {
  offered: [
    { version: 'v2', default: false, requiresIamPermissions: true },
    { version: 'v3', default: true, requiresIamPermissions: true },
  ],
};
const invalid = { addon: anAddon({ configurationValues: 'controller: {replicaCount: many}' }) };
const vendor = (owner: string): Partial<Facts> => ({
  offered: [{ version: VERSION, default: true, requiresIamPermissions: true, owner }],
});
const unsubscribed = {
  addon: anAddon({ issues: [{ code: 'AddonSubscriptionNeeded', message: 'Subscribe first.', resourceIds: [] }] }),
};

const collectors = (instances: string[], error?: string): CustomResourceFact => ({
  kind: { group: 'opentelemetry.io', version: 'v1alpha1', plural: 'opentelemetrycollectors' },
  instances,
  ...(error ? { error } : {}),
});
const adot = (request: Partial<MigrationRequestInput>, ...customResources: CustomResourceFact[]): Partial<Facts> => ({
  request: aRequest({ ...request, addon: 'adot' }),
  roleGrants: GRANTED,
  namespace: 'opentelemetry-operator-system',
  customResources,
});

type Row = [
  id: string,
  what: string,
  request: Partial<MigrationRequestInput>,
  change: Partial<Facts>,
  expected: { status: Check['status']; message: RegExp; remedy?: RegExp; attempts: Attempt[] },
];

const rows: Row[] = [
  [
    'version-offered',
    'still is',
    auto,
    {},
    {
      status: 'pass',
      message: /v1\.38\.1-eksbuild\.1 is still offered for Kubernetes 1\.31/,
      attempts: [IN_PLACE, RECREATE_PRESERVING],
    },
  ],
  [
    'version-offered',
    'no longer is',
    recreate,
    withdrawn,
    {
      status: 'fail',
      message: /no longer offered for Kubernetes 1\.31: once deleted/,
      remedy:
        /--addon-version v3 --service-account-role-arn arn:aws:iam::111122223333:role\/app\/ebs-csi --resolve-conflicts PRESERVE ; .* then plan again\.$/,
      attempts: [],
    },
  ],
  [
    'version-offered',
    'nothing is',
    recreate,
    { offered: [] },
    { status: 'fail', message: /no longer offered/, remedy: /AWS Support/, attempts: [] },
  ],
  [
    'version-offered',
    'no longer is, and in place needs it not',
    inPlace,
    withdrawn,
    { status: 'warn', message: /An update in place deletes nothing/, remedy: /v3/, attempts: [IN_PLACE] },
  ],
  [
    'version-offered',
    'no longer is, and auto stays in place',
    autoOutage,
    withdrawn,
    {
      status: 'warn',
      message: /Strategies ruled out by this: recreate with preserve, recreate without preserve\.$/,
      remedy: /v3/,
      attempts: [IN_PLACE],
    },
  ],

  [
    'configuration-valid',
    'is',
    recreate,
    {},
    { status: 'pass', message: /valid for version v1\.38\.1-eksbuild\.1/, attempts: [RECREATE] },
  ],
  [
    'configuration-valid',
    'is empty',
    recreate,
    { addon: anAddon({ configurationValues: undefined }) },
    { status: 'pass', message: /no configuration values/, attempts: [RECREATE] },
  ],
  [
    'configuration-valid',
    'is not',
    preserving,
    invalid,
    {
      status: 'fail',
      message: /not valid for version .*: \/controller\/replicaCount: .* Expected "integer"/,
      remedy:
        /describe-addon-configuration --region eu-west-1 --addon-name aws-ebs-csi-driver --addon-version v1\.38\.1-eksbuild\.1/,
      attempts: [],
    },
  ],
  [
    'configuration-valid',
    'is not, and auto stays in place',
    auto,
    invalid,
    {
      status: 'warn',
      message: /Strategies ruled out by this: recreate with preserve\.$/,
      remedy: /Correct them/,
      attempts: [IN_PLACE],
    },
  ],
  [
    'configuration-valid',
    'is no YAML',
    recreate,
    { addon: anAddon({ configurationValues: 'a: [' }) },
    { status: 'fail', message: /neither JSON nor YAML/, remedy: /Correct them/, attempts: [] },
  ],
  [
    'configuration-valid',
    'has no schema to go by',
    recreate,
    { configurationSchema: undefined },
    {
      status: 'warn',
      message: /cannot be checked beforehand: EKS returns no schema/,
      remedy: /rolled back/,
      attempts: [RECREATE],
    },
  ],

  [
    'subscription',
    'comes from a vendor',
    recreate,
    vendor('aws-marketplace'),
    { status: 'warn', message: /AWS Marketplace \(aws-marketplace\)/, remedy: /subscription/, attempts: [RECREATE] },
  ],
  [
    'subscription',
    'is missing',
    auto,
    unsubscribed,
    { status: 'fail', message: /lacks its subscription: Subscribe first\./, remedy: /Subscribe to it/, attempts: [] },
  ],

  [
    'max-disruption',
    'is less than it takes',
    { ...recreate, maxDisruption: 'rolling' },
    {},
    {
      status: 'fail',
      message:
        /would be down for a while \(recreate without preserve\), but the request allows no outage \(maxDisruption: rolling\)/,
      remedy: /--max-disruption outage/,
      attempts: [],
    },
  ],

  [
    'custom-resources',
    'owns no definition',
    recreate,
    {},
    { status: 'pass', message: /owns no custom resource definition/, attempts: [RECREATE] },
  ],
  [
    'custom-resources',
    'has none but its own',
    recreate,
    adot(recreate, collectors(['opentelemetry-operator-system/adot-col-otlp-ingest'])),
    { status: 'pass', message: /no objects but its own/, attempts: [RECREATE] },
  ],
  [
    'custom-resources',
    'has some',
    recreate,
    adot(recreate, collectors(['web/shop', 'web/shop', 'web/adot-col-otlp-ingest'])),
    {
      status: 'fail',
      message:
        /with them: opentelemetrycollectors\.opentelemetry\.io web\/shop, opentelemetrycollectors\.opentelemetry\.io web\/adot-col-otlp-ingest\.$/,
      remedy: /--preserve/,
      attempts: [],
    },
  ],
  [
    'custom-resources',
    'has many',
    recreate,
    adot(recreate, collectors(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `/${name}`))),
    { status: 'fail', message: /opentelemetry\.io e and 2 more\.$/, remedy: /--preserve/, attempts: [] },
  ],
  [
    'custom-resources',
    'has some, and auto keeps them',
    autoOutage,
    adot(autoOutage, collectors(['web/shop'])),
    {
      status: 'warn',
      message: /Strategies ruled out by this: recreate without preserve\.$/,
      remedy: /--preserve/,
      attempts: [IN_PLACE, RECREATE_PRESERVING],
    },
  ],
  [
    'custom-resources',
    'could not be read',
    recreate,
    adot(recreate, collectors([], 'Forbidden')),
    {
      status: 'unknown',
      message: /could not be read: opentelemetrycollectors\.opentelemetry\.io \(Forbidden\)/,
      remedy: /grant-access --cluster \S+ .*--addon adot/,
      attempts: [],
    },
  ],
  [
    'custom-resources',
    'could not be read, and auto keeps them',
    autoOutage,
    adot(autoOutage, collectors([], 'Forbidden')),
    {
      status: 'warn',
      message: /Strategies ruled out by this: recreate without preserve\.$/,
      remedy: /grant-access --cluster \S+ .*--addon adot/,
      attempts: [IN_PLACE, RECREATE_PRESERVING],
    },
  ],
  [
    'custom-resources',
    'is not in the registry',
    recreate,
    { request: aRequest({ ...recreate, addon: 'somebodys' }) },
    {
      status: 'unknown',
      message: /not known which custom resource definitions somebodys owns/,
      remedy: /--preserve/,
      attempts: [],
    },
  ],
];

describe.each(rows)('check %s: %s', (id, _, request, change, { status, message, remedy, attempts }) => {
  const plan = planMigration(someFacts({ request: aRequest(request), ...change }));
  const found = plan.checks.filter((check) => check.id === id);
  const blocks = status === 'fail' || status === 'unknown';

  it(`is ${status}`, () => {
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ status, message: textLike(message) });
    expect(found[0]?.remedy ?? 'none').toMatch(remedy ?? /^none$/);
  });
  it(`leaves ${attempts.length} ways`, () => {
    expect(plan.attempts).toEqual(attempts);
    expect([plan.verdict, blockingChecks(plan)]).toEqual(blocks ? ['blocked', [id]] : ['migrate', []]);
  });
});

it.each([
  ['eu-west-1', true],
  ['cn-north-1', false],
])('in %s the subscription is at the console of the partition aws: %s', (region, isThere) => {
  const request = aRequest({ ...recreate, target: { ...aRequest().target, region } });
  const { checks } = planMigration(
    someFacts({ request, cluster: aCluster({ arn: clusterArn(request.target) }), ...vendor('aws-marketplace') }),
  );
  const remedy = checks.find(({ id }) => id === 'subscription')?.remedy;
  expect(remedy).toContain('Check the subscription');
  expect(remedy?.includes('https://console.aws.amazon.com/')).toBe(isThere);
});

describe('a check that no way needs', () => {
  const ids = (request: Partial<MigrationRequestInput>, change: Partial<Facts> = {}): string[] =>
    planMigration(someFacts({ request: aRequest(request), ...change })).checks.map((check) => check.id);

  it.each<[string, Partial<MigrationRequestInput>, Partial<Facts>]>([
    ['configuration-valid', inPlace, invalid],
    ['subscription', inPlace, vendor('aws-marketplace')],
    ['subscription', recreate, vendor('aws')],
    ['subscription', recreate, vendor('community')],
    ['custom-resources', auto, {}],
    ['custom-resources', preserving, {}],
    ['max-disruption', autoOutage, {}],
    ['max-disruption', { ...preserving, maxDisruption: 'rolling' }, {}],
  ])('%s is not made of %j', (id, request, change) => {
    expect(ids(request, change)).not.toContain(id);
  });
  it('nor custom-resources, where nothing of the API server can be read, which blocks by itself', () => {
    const unread = { pods: undefined, workloads: undefined, kubernetesError: 'no' };
    expect(ids(recreate, unread)).not.toContain('custom-resources');
    expect(blockingChecks(planMigration(someFacts({ request: aRequest(recreate), ...unread })))).toEqual([
      'kubernetes-access',
    ]);
  });
});

describe('a networking add-on', () => {
  const attemptsOf = (request: Partial<MigrationRequestInput>): Attempt[] =>
    planMigration(
      someFacts({ request: aRequest({ addon: 'vpc-cni', ...request }), addon: anAddon({ name: 'vpc-cni' }) }),
    ).attempts;

  it('goes in place or with preserve, and no further', () => {
    expect(attemptsOf(inPlace)).toEqual([IN_PLACE]);
    expect(attemptsOf(preserving)).toEqual([RECREATE_PRESERVING]);
    expect(attemptsOf(autoOutage)).toEqual([IN_PLACE, RECREATE_PRESERVING]);
    expect(attemptsOf({ ...recreate, maxDisruption: 'outage' })).toEqual([]);
  });
});
