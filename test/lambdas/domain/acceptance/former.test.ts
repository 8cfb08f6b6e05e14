import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formerFieldProblem,
  formerOptionProblem,
  inCurrentForm,
} from '../../../../lambdas/domain/acceptance/former.ts';
import { migrationRequest } from '../../../../lambdas/domain/request/request.ts';
import { hashOf, type PlanContent } from '../../../../lambdas/domain/plan/hash.ts';
import { changeHash } from '../../../../lambdas/use-cases/retirement/hold.ts';
import { forAll } from '../../../for-all.ts';
import { matching } from '../../matchers.ts';

const ROLE = 'arn:aws:iam::111122223333:role/deployer';
const FORMER = {
  acceptedKeys: ['aws:SourceIp'],
  acceptIdentityLoss: ['ebs-csi-node-sa'],
  acceptOwners: ['ack', 'flux'],
  acceptUnknownCredentials: ['api/app'],
  acceptImages: ['shop/api:1.0'],
  acceptConsumers: ['SecretStore/shop/aws', 'system:serviceaccount:*:api'],
  acceptTargetRoles: [ROLE],
  acceptNetworkPolicies: ['NetworkPolicy/shop/deny-all'],
};
const ACCEPT = [
  'condition-key:aws:SourceIp',
  'identity-loss:ebs-csi-node-sa',
  'owner:ack',
  'owner:flux',
  'unknown-credentials:api/app',
  'image:shop/api:1.0',
  'consumer:SecretStore/shop/aws',
  'consumer:system:serviceaccount:*:api',
  `target-role:${ROLE}`,
  'network-policy:NetworkPolicy/shop/deny-all',
];
const NONE = Object.fromEntries(Object.keys(FORMER).map((field) => [field, []]));
const SUBJECT = {
  target: { account: '111122223333', region: 'eu-west-1', cluster: 'dev' },
  addon: 'aws-ebs-csi-driver',
};

describe('what the previous release has stored', () => {
  it.each<[string, object, object]>([
    ['a request', FORMER, { accept: ACCEPT }],
    ['a request that accepts nothing', { ...NONE, trust: 'repair' }, { trust: 'repair' }],
    [
      'a record',
      { request: FORMER, requester: { request: FORMER } },
      { request: { accept: ACCEPT }, requester: { request: { accept: ACCEPT } } },
    ],
    ['a rollback', { rollback: { acceptCredentialGap: true } }, { rollback: { accept: ['credential-gap'] } }],
    ['a rollback that accepts nothing', { rollback: { acceptCredentialGap: false } }, { rollback: {} }],
    ['a retirement', { retirement: { acceptConsumers: ['A/b'] } }, { retirement: { accept: ['consumer:A/b'] } }],
    ['a sweep', { request: { options: FORMER } }, { request: { options: { accept: ACCEPT } } }],
    ['the claim of a sweep', { sweep: { options: FORMER } }, { sweep: { options: { accept: ACCEPT } } }],
    ['both forms at once', { accept: ['owner:ack'], acceptImages: ['a'] }, { accept: ['owner:ack', 'image:a'] }],
  ])('is read in the current form: %s', (_, stored, read) => expect(inCurrentForm(stored)).toEqual(read));

  it('stays as it is otherwise', () => forAll(fc.anything(), (value) => expect(inCurrentForm(value)).toEqual(value)));
});

describe('a hash that the previous release has computed', () => {
  const PLAN: PlanContent = {
    verdict: 'migrate',
    strategy: 'auto',
    preserve: false,
    attempts: [],
    steps: [],
    namespace: 'kube-system',
    associations: [],
    identityLosses: [],
    existing: [],
    purge: [],
    carryOver: [],
    trustRepairs: [],
    owners: [],
  } as unknown as PlanContent;

  it.each([
    ['everything', FORMER, '5c50483c54136682113deffa5c27fd0080de22fc1d25bdb6ab4a68d410e8715a'],
    ['nothing', NONE, 'b2cfe3f53552db2c6dbadd1f2c93a4f32e467834120f5361d411d0ea86d6e396'],
  ])('is that of the plan of a request that accepts %s', (_, former, hash) =>
    expect(hashOf(PLAN, migrationRequest.parse(inCurrentForm({ ...SUBJECT, ...former })))).toBe(hash),
  );

  it('changes with each entry, also of a kind that it did not have', () => {
    const hashes = [undefined, ...ACCEPT, 'new-kind:x'].map((entry) =>
      hashOf(PLAN, { ...migrationRequest.parse(SUBJECT), accept: entry === undefined ? [] : [entry] }),
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('is that of the change of a retirement', () => {
    const run = {
      migrationId: 'M',
      executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:Retire:M-1',
      action: 'retire',
      accept: ['consumer:SecretStore/shop/aws'],
    } as const;
    expect(changeHash({ ...run, accept: [...run.accept] }, { decisions: [] })).toBe(
      '9067e155daff8bb312e5a84fc6c33b05b89b8241a86fb3220ab8f76edd7d54df',
    );
  });
});

describe('a former field', () => {
  it.each([
    ['acceptImages', ['shop/api:1.0', 'b'], 'was replaced by accept: write "accept": ["image:shop/api:1.0","image:b"]'],
    ['acceptedKeys', ['aws:SourceIp'], 'was replaced by accept: write "accept": ["condition-key:aws:SourceIp"]'],
    ['acceptCredentialGap', true, 'was replaced by accept: write "accept": ["credential-gap"]'],
    ['acceptOwners', [], 'was replaced by accept: leave it out'],
    ['acceptCredentialGap', false, 'was replaced by accept: leave it out'],
    ['acceptOwners', ['\u001b[2J'], 'was replaced by accept: write "accept": ["owner:argo-cd"]'],
    [
      'acceptImages',
      Array.from({ length: 12 }, (_, at) => `a:${at}`),
      matching(/"image:a:9"\], and so on for 2 more$/),
    ],
    ['acceptAll', true, undefined],
  ])('%s is refused with its new spelling', (field, given, message) => {
    expect(formerFieldProblem(field, given)).toEqual(message);
  });
});

describe('a former option', () => {
  it.each([
    [['--accept-image', 'a:1', '--accept-key=aws:SourceIp'], '--accept image:a:1 --accept condition-key:aws:SourceIp'],
    [['rollback', 'ID', '--accept-credential-gap'], '--accept credential-gap'],
    [['--accept-consumer', '*'], "--accept 'consumer:*'"],
    [['--accept-owner'], '--accept owner:argo-cd'],
  ])('in %j is refused with what to type', (words, command) =>
    expect(formerOptionProblem(words)).toMatchObject({ hint: `Type instead: ${command}` }),
  );

  it('is named, and no other one is', () => {
    expect(formerOptionProblem(['--accept-image', 'a', '--accept-owner', 'ack'])?.message).toBe(
      '--accept-image, --accept-owner were replaced by --accept',
    );
    expect(formerOptionProblem(['migrate', '--accept', 'image:a', '--accept-all'])).toBeUndefined();
  });
});
