import { describe, expect, it } from 'vitest';
import { codeCommand, parseCodeFlags, parseShowFlags, whichWords } from '../../../cli/hand-off/options.ts';
import { parsePlanFlags } from '../../../cli/plan/options.ts';
import { errorOf } from '../fixtures.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const BARE = { cluster: 'demo', addon: 'aws-ebs-csi-driver' };

describe('what a hand-off is about', () => {
  it('is a migration, where it is kept', () =>
    expect(parseShowFlags({ migrationId: ID, state: 'w.json' })).toEqual({
      which: { of: 'migration', migrationId: ID, state: 'w.json', json: false, debug: false },
      format: undefined,
    }));

  it('is an add-on or a service account of a cluster', () => {
    expect(parseShowFlags({ ...BARE, region: 'eu-west-1', format: 'eksctl' })).toEqual({
      which: {
        of: 'account',
        cluster: 'demo',
        subject: { addon: 'aws-ebs-csi-driver' },
        region: 'eu-west-1',
        json: false,
        debug: false,
      },
      format: 'eksctl',
    });
    expect(parseShowFlags({ cluster: 'demo', namespace: 'payments', serviceAccount: 'api' }).which).toMatchObject({
      subject: { serviceAccount: { namespace: 'payments', name: 'api' } },
    });
  });

  it.each([
    [{}, /neither a migration id nor --cluster is given/],
    [{ migrationId: 'patsch' }, /the migration id "patsch" must be a ULID/],
    [
      { migrationId: ID, ...BARE, region: 'eu-west-1' },
      /^--cluster, --addon, --region cannot be combined with a migration id/,
    ],
    [{ cluster: 'demo' }, /--cluster alone does not select what the code is about: add --addon NAME/],
    [{ cluster: 'demo', namespace: 'payments' }, /add --addon NAME, or --namespace NAME and --service-account NAME$/],
    [{ ...BARE, namespace: 'payments' }, /--addon cannot be combined with --namespace and --service-account/],
    [{ ...BARE, format: 'hcl' }, /--format "hcl" must be terraform, terraform-module, .* or helm-values/],
    [{ ...BARE, format: 'eksctl', json: true }, /--format cannot be combined with --json/],
  ])('is refused if it is %j', (given, message) => {
    const error = errorOf(() => parseShowFlags(given));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ name: 'BadOption', exitCode: 2 });
    expect(error.hint).not.toBe('');
  });

  it('needs a directory to compare', () =>
    expect(errorOf(() => parseCodeFlags({ migrationId: ID }, 'check'))).toMatchObject({
      message: '--terraform is missing: specify the directory of the Terraform code that defines the add-on',
      hint: 'See: npm run --silent pod-identity -- hand-off check --help',
    }));
});

describe('the commands that are printed', () => {
  it.each([
    [
      { migrationId: ID, deployed: true, stack: 'Other', profile: 'a b' },
      `${ID} --deployed --stack Other --profile 'a b'`,
    ],
    [{ migrationId: ID, state: 'my world.json' }, `${ID} --state 'my world.json'`],
    [
      { ...BARE, account: '111122223333', region: 'eu-west-1', profile: 'prod' },
      '--cluster demo --addon aws-ebs-csi-driver --account 111122223333 --region eu-west-1 --profile prod',
    ],
    [
      { cluster: 'demo', namespace: 'payments', serviceAccount: 'api', sandbox: 'a.json' },
      '--cluster demo --namespace payments --service-account api --sandbox a.json',
    ],
  ])('select the same as %j', (given, words) => {
    const { which } = parseShowFlags(given);
    expect(whichWords(which).join(' ')).toBe(words);
  });

  it('name the same directory', () => {
    const flags = parseCodeFlags({ migrationId: ID, state: 'w.json', terraform: 'my infra' }, 'patch');
    expect(codeCommand('patch', { ...flags, write: true })).toBe(
      `npm run --silent pod-identity -- hand-off patch --terraform 'my infra' ${ID} --state w.json --write`,
    );
  });
});

describe('plan --hand-off', () => {
  it('is for one add-on or service account', () => {
    expect(parsePlanFlags({ ...BARE, handOff: true, format: 'eksctl' })).toMatchObject({
      flags: { handOff: true, format: 'eksctl' },
    });
    expect(errorOf(() => parsePlanFlags({ cluster: 'demo', handOff: true })).message).toBe(
      '--hand-off cannot be used in the plan of a whole cluster',
    );
  });

  it.each([
    [{ format: 'eksctl' }, '--format eksctl works only with --hand-off'],
    [
      { handOff: true, format: 'eksctl', json: true },
      '--format cannot be combined with --output json, whose field handOff is a document',
    ],
  ])('%j is refused', (given, why) => expect(errorOf(() => parsePlanFlags({ ...BARE, ...given })).message).toBe(why));
});
