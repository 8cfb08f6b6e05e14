import { describe, expect, it } from 'vitest';
import { parseKnownFlags, parseMigrationFlags, parseRetireFlags } from '../../cli/options.ts';
import { backendOfKnown, backendOfMigration } from '../../cli/backend-options.ts';
import { errorOf, ROLE } from './fixtures.ts';
import { DEFAULT_FLAGS } from './options-fixtures.ts';
import { matching } from '../lambdas/matchers.ts';

const GOOD = { cluster: 'demo', addon: 'aws-ebs-csi-driver', sandbox: 'a.json' };
const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';

describe('flags', () => {
  it('have defaults', () =>
    expect(parseMigrationFlags(GOOD, 'migrate')).toEqual({
      ...GOOD,
      ...DEFAULT_FLAGS,
      strategy: 'auto',
      preserve: false,
      role: [],
    }));

  it.each([
    ['clock', 'virtual', 'virtual'],
    ['clock', 'real', 'real'],
    ['clock', 'scaled=40', { scaled: 40 }],
    ['clock', 'scaled=0.5', { scaled: 0.5 }],
    ['seed', '0', 0],
    ['seed', '4294967295', 4_294_967_295],
    ['strategy', 'in-place', 'in-place'],
    ['maxDisruption', 'rolling', 'rolling'],
    ['resolveConflicts', 'OVERWRITE', 'OVERWRITE'],
    ['resolveConflicts', 'PRESERVE', 'PRESERVE'],
    ['roleArn', ROLE, ROLE],
    ['trust', 'repair', 'repair'],
    ['iac', 'terraform', 'terraform'],
    ['accept', ['condition-key:aws:SourceIp', 'owner:argo-cd'], ['condition-key:aws:SourceIp', 'owner:argo-cd']],
    ['accept', ['identity-loss:a', 'identity-loss:b.c'], ['identity-loss:a', 'identity-loss:b.c']],
  ])('%s %s is read', (name, given, read) =>
    expect(parseMigrationFlags({ ...GOOD, [name]: given }, 'migrate')).toHaveProperty(name, read),
  );

  it.each([
    ['clock', 'slow', /--clock "slow" must be virtual, real or scaled=X/],
    ['clock', 'scaled=0', /--clock "scaled=0" must be/],
    ['clock', 'scaled=', /--clock "scaled=" must be/],
    ['seed', '-1', /--seed "-1" must be a whole number/],
    ['seed', '4294967296', /--seed "4294967296" must be a whole number/],
    ['strategy', 'replace', /--strategy "replace" must be auto, in-place or recreate/],
    ['maxDisruption', 'none', /--max-disruption "none" must be rolling or outage/],
    ['resolveConflicts', 'KEEP', /--resolve-conflicts "KEEP" must be NONE, OVERWRITE or PRESERVE/],
    ['iac', 'chef', /--iac "chef" must be terraform, pulumi, .* or helm/],
    ['accept', ['owner:chef'], /--accept "owner:chef" must be owner:terraform\|.*, such as owner:argo-cd/],
    [
      'accept',
      ['everything'],
      /--accept "everything" must be KIND:NAME, with one of these kinds: condition-key, identity-loss, /,
    ],
    [
      'accept',
      ['credential-gap'],
      /--accept "credential-gap" has kind credential-gap, which applies only to rollbacks/,
    ],
    ['trust', 'fix', /--trust "fix" must be validate or repair/],
    ['accept', ['identity-loss:Node'], /--accept "identity-loss:Node" must be identity-loss:SERVICE_ACCOUNT, such as /],
    ['accept', Array<string>(801).fill('identity-loss:a'), /--accept must have at most 800 entries/],
    [
      'accept',
      ['condition-key:SourceIp'],
      /--accept "condition-key:SourceIp" must be condition-key:KEY, such as condition-key:aws:SourceIp/,
    ],
    ['role', ['ebs-csi-controller-sa'], /--role "ebs-csi-controller-sa" must be SERVICE_ACCOUNT=ARN/],
    ['role', [`a=${ROLE}`, 'b=nonsense'], /--role "b=nonsense" after the = must be an IAM role ARN/],
    ['role', [`a=${ROLE}`, `a=${ROLE}`], /--role "a=arn:aws:iam::111122223333:role\/ebs-csi" is the second role for a/],
    ['state', '', /--state "" must name a file/],
    ['roleArn', 'ebs-csi', /--role-arn "ebs-csi" must be an IAM role ARN such as arn:aws:iam::\S+:role\/my-role/],
    ['roleArn', '', /--role-arn "" must be an IAM role ARN/],
    ['region', 'Ireland', /--region "Ireland" must be an AWS region/],
    ['account', '123', /--account "123" must be an AWS account id/],
    ['cluster', 'a b', /--cluster "a b" must be an EKS cluster name/],
    ['cluster', undefined, /--cluster is missing/],
    ['addon', undefined, /--addon is missing/],
  ])('%s %s is refused with its name and what is right', (name, given, message) => {
    const error = errorOf(() => parseMigrationFlags({ ...GOOD, [name]: given }, 'migrate'));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ exitCode: 2, hint: 'See: npm run --silent pod-identity -- migrate --help' });
  });

  it('give each service account its role', () =>
    expect(parseMigrationFlags({ ...GOOD, role: [`a=${ROLE}`, `b.c=${ROLE}2`] }, 'migrate').role).toEqual([
      ['a', ROLE],
      ['b.c', `${ROLE}2`],
    ]));

  it('cannot combine --preserve with a strategy that deletes nothing', () =>
    expect(
      errorOf(() => parseMigrationFlags({ ...GOOD, strategy: 'in-place', preserve: true }, 'migrate')).message,
    ).toBe(
      '--preserve applies only to strategies that delete the add-on, and --strategy in-place deletes nothing: omit one of them',
    ));

  it('are all reported at once', () =>
    expect(errorOf(() => parseMigrationFlags({ seed: 'x' }, 'plan')).message.split('\n')).toHaveLength(3));
});

describe('the backend of a migration', () => {
  const backendOf = (change: Record<string, unknown>) =>
    backendOfMigration(parseMigrationFlags({ ...GOOD, sandbox: undefined, ...change }, 'migrate'));

  it.each([
    [
      { sandbox: 'a.json', clock: 'real' },
      { kind: 'sandbox', scenario: 'a.json', clock: 'real' },
    ],
    [
      { sandbox: 'a.json', state: 'w.json', seed: '7' },
      { kind: 'state', file: 'w.json', scenario: 'a.json', seed: 7 },
    ],
    [
      { state: 'w.json', clock: 'virtual' },
      { kind: 'state', file: 'w.json' },
    ],
    [{ deployed: true }, { kind: 'deployed' }],
  ])('%j is %j', (given, backend) => expect(backendOf(given)).toEqual(backend));

  it.each([
    [{}, /neither --sandbox FILE nor --deployed is given/],
    [{ deployed: true, sandbox: 'a.json', seed: '1' }, /--deployed cannot be combined with --sandbox, --seed/],
    [{ state: 'w.json', clock: 'real' }, /--state works only with virtual time/],
  ])('%j is refused', (given, message) =>
    expect(errorOf(() => backendOf(given))).toMatchObject({
      message: matching(message),
      exitCode: 2,
      hint: matching(/\S/),
    }),
  );
});

describe('the backend of an existing migration', () => {
  const backendOf = (change: Record<string, unknown>) =>
    backendOfKnown(parseKnownFlags({ migrationId: ID, ...change }, 'show'));

  it('is a state file or a deployed service', () => {
    expect(backendOf({ state: 'w.json' })).toEqual({ kind: 'state', file: 'w.json' });
    expect(backendOf({ deployed: true })).toEqual({ kind: 'deployed' });
  });

  it('is not a sandbox that starts afresh', () => {
    const error = errorOf(() => backendOf({ sandbox: 'a.json' }));
    expect(error.message).toBe(
      `the sandbox of --sandbox a.json starts afresh with every command, so migration ${ID} is not in it`,
    );
    expect(error.hint).toMatch(/--state FILE[^]*sandbox[^]*--deployed/);
    expect(errorOf(() => backendOf({})).hint).toMatch(/--state FILE/);
    expect(errorOf(() => backendOf({ state: 'w.json', deployed: true })).message).toContain('cannot be combined with');
  });

  it('requires an id', () =>
    expect(errorOf(() => parseKnownFlags({ migrationId: 'x', state: 'w.json' }, 'show')).message).toBe(
      'the migration id "x" must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)',
    ));
});

describe('the flags of retire', () => {
  const GIVEN = { migrationId: ID, state: 'w.json' };

  it('default to a dry run after a week', () => {
    expect(parseRetireFlags(GIVEN)).toEqual({
      ...GIVEN,
      accept: [],
      yes: false,
      apply: false,
      undo: false,
      soakDays: 7,
      json: false,
      debug: false,
    });
    expect(parseRetireFlags({ ...GIVEN, apply: true, undo: true, soakDays: '0', reason: 'done' })).toMatchObject({
      apply: true,
      undo: true,
      soakDays: 0,
      reason: 'done',
    });
    expect(parseRetireFlags({ ...GIVEN, soakDays: '365' }).soakDays).toBe(365);
    const accept = ['ClusterIssuer/aws', 'triggerauthentications.keda.sh', 'system:serviceaccount:*:api'].map(
      (name) => `consumer:${name}`,
    );
    expect(parseRetireFlags({ ...GIVEN, accept }).accept).toEqual(accept);
    expect(errorOf(() => parseRetireFlags({ ...GIVEN, accept: ['consumer:shop aws'] })).message).toMatch(
      /^--accept .*must be consumer:KIND\/NAMESPACE\/NAME, KIND\/NAME or RESOURCE\.GROUP/,
    );
  });

  it.each(['-1', '366', '1.5', 'week', ''])('--soak-days %j is refused', (soakDays) =>
    expect(errorOf(() => parseRetireFlags({ ...GIVEN, soakDays })).message).toBe(
      `--soak-days ${JSON.stringify(soakDays)} must be a whole number of days from 0 to 365`,
    ),
  );
});
