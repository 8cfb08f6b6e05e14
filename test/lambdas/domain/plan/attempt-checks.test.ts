/**
 * Checks that concern some of the attempts: they block an explicit strategy, and remove attempts of `auto`.
 */
import { describe, expect, it } from 'vitest';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Attempt } from '../../../../lambdas/domain/record/plan.ts';
import type { CustomResourceFact, AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { aCluster, anAddon } from '../../eks-fixtures.ts';
import { aRequest, GRANTED, IN_PLACE, RECREATE, RECREATE_PRESERVING, someFacts, VERSION } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const inPlace = { strategy: 'in-place' } as const;
const recreate = { strategy: 'recreate' } as const;
const preserving = { strategy: 'recreate', preserve: true } as const;
const auto = { strategy: 'auto' } as const;
const autoOutage = { strategy: 'auto', maxDisruption: 'outage' } as const;

const withdrawn = {
  offered: ['v2', 'v3'].map((version) => ({ version, default: version === 'v3', requiresIamPermissions: true })),
};
const invalid = { addon: anAddon({ configurationValues: 'controller: {replicaCount: many}' }) };
const vendor = (owner: string): Partial<Facts> => ({
  offered: [{ version: VERSION, default: true, requiresIamPermissions: true, owner }],
});
const marketplace = vendor('aws-marketplace');
const issues = [{ code: 'AddonSubscriptionNeeded', message: 'Subscribe first.', resourceIds: [] }];
const unsubscribed = { addon: anAddon({ issues }) };

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
  what: string,
  request: Partial<MigrationRequestInput>,
  change: Partial<Facts>,
  attempts: Attempt[],
  status: Check['status'],
  message: RegExp,
  remedy?: RegExp,
];
const INVALID = /not valid for version .*: \/controller\/replicaCount: .* Expected "integer"/;
const COLLECTORS = collectors(['web/shop']);
const BOTH = [IN_PLACE, RECREATE_PRESERVING];
const ONLY_WITHOUT = /Strategies ruled out by this: recreate without preserve\.$/;
const ONLY_IN_PLACE = /Strategies ruled out by this: recreate with preserve, recreate without preserve\.$/;
const NO_SCHEMA = /cannot be checked beforehand: EKS returns no schema/;
const NOT_LISTED = /not known which custom resource definitions somebodys owns/;
const GRANT = /grant-access --cluster \S+ .*--addon adot/;
const UPDATE =
  /--addon-version v3 --service-account-role-arn arn:aws:iam::111122223333:role\/app\/ebs-csi --resolve-conflicts PRESERVE ; .* then plan again\.$/;
const DESCRIBE =
  /describe-addon-configuration --region eu-west-1 --addon-name aws-ebs-csi-driver --addon-version v1\.38\.1-eksbuild\.1/;
const OUTAGE =
  /would be down for a while \(recreate without preserve\), but the request allows no outage \(maxDisruption: rolling\)/;
const LISTED =
  /with them: opentelemetrycollectors\.opentelemetry\.io web\/shop, opentelemetrycollectors\.opentelemetry\.io web\/adot-col-otlp-ingest\.$/;
const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `/${name}`);
const empty = { addon: anAddon({ configurationValues: undefined }) };
const noYaml = { addon: anAddon({ configurationValues: 'a: [' }) };
const noSchema = { configurationSchema: undefined };
const own = adot(recreate, collectors(['opentelemetry-operator-system/adot-col-otlp-ingest']));
const some = adot(recreate, collectors(['web/shop', 'web/shop', 'web/adot-col-otlp-ingest']));
const hidden = adot(recreate, collectors([], 'Forbidden'));
const hiddenFromAuto = adot(autoOutage, collectors([], 'Forbidden'));
const unlisted = { request: aRequest({ ...recreate, addon: 'somebodys' }) };
const rolling = { ...recreate, maxDisruption: 'rolling' } as const;

const rows: Record<string, Row[]> = {
  'version-offered': [
    ['still is', auto, {}, BOTH, 'pass', /v1\.38\.1-eksbuild\.1 is still offered for Kubernetes 1\.31/],
    ['no longer is', recreate, withdrawn, [], 'fail', /no longer offered for Kubernetes 1\.31: once deleted/, UPDATE],
    ['nothing is', recreate, { offered: [] }, [], 'fail', /no longer offered/, /AWS Support/],
    ['in place needs it not', inPlace, withdrawn, [IN_PLACE], 'warn', /An update in place deletes nothing/, /v3/],
    ['no longer is, and auto stays in place', autoOutage, withdrawn, [IN_PLACE], 'warn', ONLY_IN_PLACE, /v3/],
  ],
  'configuration-valid': [
    ['is', recreate, {}, [RECREATE], 'pass', /valid for version v1\.38\.1-eksbuild\.1/],
    ['is empty', recreate, empty, [RECREATE], 'pass', /no configuration values/],
    ['is not', preserving, invalid, [], 'fail', INVALID, DESCRIBE],
    ['is not, auto', auto, invalid, [IN_PLACE], 'warn', /: recreate with preserve\.$/, /Correct them/],
    ['is no YAML', recreate, noYaml, [], 'fail', /neither JSON nor YAML/, /Correct them/],
    ['has none', recreate, noSchema, [RECREATE], 'warn', NO_SCHEMA, /rolled back/],
  ],
  subscription: [
    ['of a vendor', recreate, marketplace, [RECREATE], 'warn', /AWS Marketplace \(aws-marketplace\)/, /subscription/],
    ['is missing', auto, unsubscribed, [], 'fail', /lacks its subscription: Subscribe first\./, /Subscribe to it/],
  ],
  'max-disruption': [['is less than it takes', rolling, {}, [], 'fail', OUTAGE, /--max-disruption outage/]],
  'custom-resources': [
    ['owns no definition', recreate, {}, [RECREATE], 'pass', /owns no custom resource definition/],
    ['has none but its own', recreate, own, [RECREATE], 'pass', /no objects but its own/],
    ['has some', recreate, some, [], 'fail', LISTED, /--preserve/],
    ['has many', recreate, adot(recreate, collectors(many)), [], 'fail', /\.io e and 2 more\.$/, /--preserve/],
    ['has some, auto', autoOutage, adot(autoOutage, COLLECTORS), BOTH, 'warn', ONLY_WITHOUT, /--preserve/],
    ['could not be read', recreate, hidden, [], 'unknown', /read: opentelemetry\S+\.io \(Forbidden\)/, GRANT],
    ['could not be read, and auto keeps them', autoOutage, hiddenFromAuto, BOTH, 'warn', ONLY_WITHOUT, GRANT],
    ['is not in the registry', recreate, unlisted, [], 'unknown', NOT_LISTED, /--preserve/],
  ],
};

const each = Object.entries(rows).flatMap(([id, those]) => those.map((row): [string, ...Row] => [id, ...row]));
it.each<[string, ...Row]>(each)('check %s: %s', (id, _, request, change, attempts, status, message, remedy) => {
  const plan = planMigration(someFacts({ request: aRequest(request), ...change }));
  const found = plan.checks.filter((check) => check.id === id);
  expect(found).toMatchObject([{ status, message: matching(message) }]);
  expect([found[0]?.remedy ?? 'none', plan.attempts]).toEqual([matching(remedy ?? /^none$/), attempts]);
  const blocks = status === 'fail' || status === 'unknown';
  expect([plan.verdict, blockingChecks(plan)]).toEqual(blocks ? ['blocked', [id]] : ['migrate', []]);
});

it.each([
  ['eu-west-1', true],
  ['cn-north-1', false],
])('in %s the subscription is at the console of the partition aws: %s', (region, isThere) => {
  const request = aRequest({ ...recreate, target: { ...aRequest().target, region } });
  const cluster = aCluster({ arn: clusterArn(request.target) });
  const { checks } = planMigration(someFacts({ request, cluster, ...marketplace }));
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
  ])('%s is not made of %j', (id, request, change) => expect(ids(request, change)).not.toContain(id));
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
    expect([attemptsOf(inPlace), attemptsOf(preserving)]).toEqual([[IN_PLACE], [RECREATE_PRESERVING]]);
    expect(attemptsOf(autoOutage)).toEqual([IN_PLACE, RECREATE_PRESERVING]);
    expect(attemptsOf({ ...recreate, maxDisruption: 'outage' })).toEqual([]);
  });
});
