import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNobodysNode } from '../../../lambdas/domain/access/node-principals.ts';
import { itemId, itemsOf, requestOf } from '../../../lambdas/domain/sweep/items.ts';
import { sweepItem, type SweepFinding } from '../../../lambdas/domain/sweep/model.ts';
import { sweepRequest, sweepSelection, type SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import { locationsOf } from '../../../lambdas/domain/sweep/locations.ts';
import {
  nameLeftOut,
  namesCluster,
  sameSelection,
  tagLeftOut,
  tagsCluster,
} from '../../../lambdas/domain/sweep/selection.ts';
import { ADDON, ROLE, target } from '../fixtures.ts';
import { forAll } from '../../for-all.ts';

describe('the selection of clusters', () => {
  it.each<[string[] | undefined, string, boolean]>([
    [undefined, 'anything', true],
    [['prod-*'], 'prod-eu', true],
    [['prod-*'], 'preprod-eu', false],
    [['dev', 'prod-?'], 'prod-1', true],
    [['dev', 'prod-?'], 'prod-12', false],
    [['dev'], 'DEV', false],
  ])('by names %j includes %s: %j', (clusters, name, does) => expect(namesCluster({ clusters }, name)).toBe(does));
  it.each<[Record<string, string> | undefined, Record<string, string>, boolean]>([
    [undefined, {}, true],
    [{ env: 'prod' }, { env: 'prod', team: 'a' }, true],
    [{ env: 'prod', team: 'b' }, { env: 'prod', team: 'a' }, false],
    [{ env: '' }, {}, false],
    [{ constructor: 'x' }, {}, false],
  ])('by tags %j includes %j: %j', (clusterTags, tags, does) => expect(tagsCluster({ clusterTags }, tags)).toBe(does));
});

describe('the selection of add-ons', () => {
  it('excludes add-ons that it does not name, with the reason', () => {
    expect([nameLeftOut({}, ADDON), nameLeftOut({ addons: [ADDON] }, ADDON)]).toEqual([undefined, undefined]);
    const others = [ADDON, 'adot'];
    expect(nameLeftOut({ addons: others }, 'vpc-cni')).toBe(`The sweep selects other add-ons: ${others.join(', ')}.`);
  });
  const tag = (value?: string) => Object.fromEntries(value === undefined ? [] : [['pod-identity-migration', value]]);
  const NEITHER =
    'Neither the add-on nor its cluster has the tag pod-identity-migration = include, which this sweep requires.';
  it.each<['opt-in' | 'opt-out', string | undefined, string | undefined, string]>([
    ['opt-out', undefined, undefined, ''],
    ['opt-out', 'exclude', undefined, 'The add-on has the tag pod-identity-migration = exclude.'],
    ['opt-out', undefined, 'exclude', 'The cluster has the tag pod-identity-migration = exclude.'],
    ['opt-out', 'include', 'exclude', ''],
    ['opt-out', 'exclude', 'include', 'The add-on has the tag pod-identity-migration = exclude.'],
    ['opt-out', 'Exclude', 'exclude', 'The cluster has the tag pod-identity-migration = exclude.'],
    ['opt-in', undefined, undefined, NEITHER],
    ['opt-in', 'include', undefined, ''],
    ['opt-in', undefined, 'include', ''],
    ['opt-in', 'exclude', 'include', 'The add-on has the tag pod-identity-migration = exclude.'],
    ['opt-in', 'yes', undefined, NEITHER],
  ])('%s, tagged %j in a cluster tagged %j: %s', (tagging, own, cluster, expected) =>
    expect(tagLeftOut({ tagging }, tag(own), tag(cluster)) ?? '').toBe(expected),
  );
});

describe('two selections', () => {
  const selection = fc.record(
    {
      accounts: fc.subarray(['111122223333', '444455556666'], { minLength: 1 }),
      regions: fc.subarray(['eu-west-1', 'us-east-1'], { minLength: 1 }),
      clusters: fc.subarray(['a*', 'b'], { minLength: 1 }),
      clusterTags: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
      addons: fc.subarray(['adot', 'vpc-cni'], { minLength: 1 }),
      tagging: fc.constantFrom('opt-in', 'opt-out'),
    },
    { requiredKeys: [] },
  );
  it('are the same in any order, and differ if one has more values', () => {
    forAll(selection, (input) => {
      const one = sweepSelection.parse(input);
      const backwards = Object.fromEntries(
        Object.entries(one)
          .toReversed()
          .map(([key, value]) => [
            key,
            Array.isArray(value)
              ? value.toReversed()
              : typeof value === 'object'
                ? Object.fromEntries(Object.entries(value).toReversed())
                : value,
          ]),
      );
      expect(sameSelection(one, sweepSelection.parse(backwards))).toBe(true);
      const { accounts, ...rest } = one;
      expect(sameSelection(one, rest)).toBe(accounts === undefined);
      expect(sameSelection(one, { ...one, tagging: one.tagging === 'opt-in' ? 'opt-out' : 'opt-in' })).toBe(false);
    });
    expect(
      sameSelection(sweepSelection.parse({ clusters: ['adot'] }), sweepSelection.parse({ addons: ['adot'] })),
    ).toBe(false);
  });
});

describe('the locations of a sweep', () => {
  const territory = { home: '222233334444', accounts: ['111122223333'], regions: ['us-east-1', 'eu-west-1'] };
  it('are all accounts and regions of the deployment, region by region, if it names none', () =>
    expect(locationsOf({}, territory)).toEqual([
      { account: '111122223333', region: 'eu-west-1' },
      { account: '222233334444', region: 'eu-west-1' },
      { account: '111122223333', region: 'us-east-1' },
      { account: '222233334444', region: 'us-east-1' },
    ]));
  it('are those that it names, each once', () =>
    expect(locationsOf({ accounts: ['111122223333', '111122223333'], regions: ['ap-south-1'] }, territory)).toEqual([
      { account: '111122223333', region: 'ap-south-1' },
    ]));
  it('cannot be in an account that the service may not work on', () => {
    const refused = () => locationsOf({ accounts: ['111122223333', '999988887777', '555566667777'] }, territory);
    expect(refused).toThrow(/accounts 555566667777, 999988887777.*setting accounts/);
    expect(
      locationsOf({ accounts: ['999988887777'], regions: ['eu-west-1'] }, { ...territory, accounts: ['*'] }),
    ).toEqual([{ account: '999988887777', region: 'eu-west-1' }]);
    // Nobody knows all accounts that there are.
    expect(locationsOf({ regions: ['eu-west-1'] }, { ...territory, accounts: ['*'] })).toEqual([
      { account: '222233334444', region: 'eu-west-1' },
    ]);
  });
});

describe('what a sweep queues', () => {
  const finding = (change: Partial<SweepFinding>): SweepFinding => ({
    addon: ADDON,
    class: 'ready',
    checks: [],
    roles: [ROLE],
    ...change,
  });
  const sweep = (request: SweepRequestInput) => ({
    sweepId: '01KF0E44M047C4FEZDQK8YZG0M',
    startedAt: '2026-01-15T09:00:00.000Z',
    request: sweepRequest.parse(request),
  });
  const inventory = {
    ...target,
    findings: [
      finding({}),
      finding({ addon: 'adot', class: 'blocked' }),
      finding({ addon: 'vpc-cni', class: 'node-role' }),
      { class: 'unreachable' as const, checks: [], roles: [] },
    ],
  };

  it('are the add-ons that are ready, unless the sweep is an inventory', () => {
    expect(itemsOf(sweep({ mode: 'inventory' }), inventory)).toEqual([]);
    const items = itemsOf(sweep({ mode: 'migrate' }), inventory);
    expect(items.map((item) => sweepItem.parse(item))).toEqual(items);
    const migrationId = itemId(sweep({ mode: 'plan' }), target, ADDON);
    expect(items).toEqual([{ ...target, migrationId, addon: ADDON, roles: [ROLE], state: 'queued' }]);
  });
  it('have their own ids, the same each time', () => {
    const one = sweep({ mode: 'plan' });
    const places = [target, { ...target, cluster: 'other' }, { ...target, region: 'us-east-1' }];
    const later = { ...one, sweepId: '01KF0E44M047C4FEZDQK8YZG0N' };
    const ids = [
      ...places.map((place) => itemId(one, place, ADDON)),
      itemId(one, target, 'adot'),
      itemId(later, target, ADDON),
    ];
    expect([new Set(ids).size, itemId(one, target, ADDON)]).toEqual([ids.length, ids[0]]);
  });
  it('have the options of the sweep in their requests', () => {
    const options = {
      strategy: 'in-place',
      trust: 'repair',
      verification: 'api',
      agent: 'install',
      accept: ['condition-key:aws:SourceIp', 'identity-loss:efs-csi-node-sa'],
      maxDisruption: 'rolling',
    };
    const request = sweepRequest.parse({ mode: 'migrate', options });
    expect(requestOf(request, target, ADDON, true)).toMatchObject({ target, addon: ADDON, dryRun: true, ...options });
    expect(requestOf(request, target, ADDON, false).dryRun).toBe(false);
  });
});

describe('the principal of an access entry', () => {
  it.each<[string, boolean]>([
    ['arn:aws:iam::111122223333:user/platform/alice', true],
    ['arn:aws:iam::111122223333:root', true],
    ['arn:aws-cn:iam::111122223333:role/pod-identity-migrator-kubernetes-read', true],
    [
      'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef',
      true,
    ],
    ['arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS', true],
    ['arn:aws:iam::111122223333:role/dev-nodes', false],
    ['arn:aws:iam::111122223333:role/pod-identity-migrator-nodes', false],
    ['arn:aws:iam::111122223333:role/user/nodes', false],
    ['arn:aws:iam::111122223333:role/team/aws-reserved/nodes', false],
    ['something else', false],
  ])("%s is nobody's node: %j", (arn, expected) => expect(isNobodysNode(arn)).toBe(expected));
  it("belongs to the cluster's account if it is for a node", () => {
    const nodes = 'arn:aws:iam::111122223333:role/dev-nodes';
    expect([
      isNobodysNode(nodes, '111122223333'),
      isNobodysNode(nodes, '444455556666'),
      isNobodysNode('something else', '444455556666'),
    ]).toEqual([false, true, false]);
  });
});
