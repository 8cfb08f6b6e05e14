import { describe, expect, it } from 'vitest';
import { CliError } from '../../cli/errors.ts';
import { deployedFor, migrateCommand, parseFlags, requestFrom, resolveTarget } from '../../cli/options.ts';
import { scenario as scenarioSchema } from '../../sandbox/world/scenario.ts';
import { ROLE, TARGET } from './fixtures.ts';

const GOOD = { cluster: 'demo', addon: 'aws-ebs-csi-driver', sandbox: 'a.json' };

const errorOf = (run: () => unknown): CliError => {
  try {
    run();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('expected a CliError');
};

describe('flags', () => {
  it('have defaults', () => {
    expect(parseFlags(GOOD, 'migrate')).toMatchObject({ strategy: 'recreate', preserve: false, resolveConflicts: 'NONE', dryRun: false, json: false });
  });

  it.each([
    ['clock', 'virtual', 'virtual'],
    ['clock', 'real', 'real'],
    ['clock', 'scaled=40', { scaled: 40 }],
    ['clock', 'scaled=0.5', { scaled: 0.5 }],
    ['seed', '0', 0],
    ['seed', '4294967295', 4_294_967_295],
    ['resolveConflicts', 'OVERWRITE', 'OVERWRITE'],
    ['roleArn', ROLE, ROLE],
  ])('%s %s is read', (name, given, read) => {
    expect(parseFlags({ ...GOOD, [name]: given }, 'migrate')).toHaveProperty(name, read);
  });

  it.each([
    ['clock', 'slow', /--clock "slow" must be virtual, real or scaled=X/],
    ['clock', 'scaled=0', /--clock "scaled=0" must be/],
    ['clock', 'scaled=', /--clock "scaled=" must be/],
    ['seed', '-1', /--seed "-1" must be a whole number/],
    ['seed', '4294967296', /--seed "4294967296" must be a whole number/],
    ['strategy', 'in-place', /--strategy "in-place" is not a strategy of this version; available: recreate/],
    ['resolveConflicts', 'PRESERVE', /--resolve-conflicts "PRESERVE" must be NONE or OVERWRITE/],
    ['roleArn', 'ebs-csi', /--role-arn "ebs-csi" must be an IAM role ARN such as arn:aws:iam::111122223333:role\/my-role/],
    ['roleArn', '', /--role-arn "" must be an IAM role ARN/],
    ['region', 'Ireland', /--region "Ireland" must be an AWS region/],
    ['account', '123', /--account "123" must be an AWS account id/],
    ['cluster', 'a b', /--cluster "a b" must be an EKS cluster name/],
    ['cluster', undefined, /--cluster is missing/],
    ['addon', undefined, /--addon is missing/],
  ])('%s %s is refused with its name and what is right', (name, given, message) => {
    const error = errorOf(() => parseFlags({ ...GOOD, [name]: given }, 'migrate'));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ exitCode: 2, hint: 'See: npm run --silent pod-identity -- migrate --help' });
  });

  it('are all told about at once', () => {
    expect(errorOf(() => parseFlags({ seed: 'x' }, 'plan')).message.split('\n')).toHaveLength(3);
  });

  it.each([
    [{}, /no --sandbox FILE/],
    [{ local: true }, /--local is not available/],
    [{ deployed: true, sandbox: 'a.json' }, /--deployed is not available/],
  ])('%j: says where it can run', (change, message) => {
    const error = errorOf(() => parseFlags({ ...GOOD, sandbox: undefined, ...change }, 'migrate'));
    expect(error.message).toMatch(message);
    expect(error.hint).toContain('--sandbox sandbox/scenarios/ebs-csi-irsa.json');
    expect(error.exitCode).toBe(2);
  });
});

const clusterIn = (region: string, name = 'demo'): unknown => ({ name, region, version: '1.31' });
const scenarioWith = (...accounts: unknown[]) => scenarioSchema.parse({ accounts });

describe('the target', () => {
  const two = scenarioWith(
    { id: '111122223333', clusters: [clusterIn('eu-west-1'), clusterIn('us-east-1')] },
    { id: '444455556666', clusters: [clusterIn('eu-west-1'), clusterIn('eu-west-1', 'other')] },
  );

  it("is the scenario's only cluster of that name", () => {
    expect(resolveTarget({ cluster: 'other' }, two)).toEqual({ account: '444455556666', region: 'eu-west-1', cluster: 'other' });
  });

  it('is narrowed down by what was given', () => {
    expect(resolveTarget({ cluster: 'demo', region: 'us-east-1' }, two)).toEqual({ account: '111122223333', region: 'us-east-1', cluster: 'demo' });
  });

  it('is asked for where there are several', () => {
    const error = errorOf(() => resolveTarget({ cluster: 'demo' }, two));
    expect(error.message).toBe('the scenario has 3 clusters named demo');
    expect(error.hint).toContain('--account 444455556666 --region eu-west-1');
  });

  it('may be a cluster that is not there: the plan says so', () => {
    expect(resolveTarget({ cluster: 'gone' }, two)).toEqual({ account: '111122223333', region: 'eu-west-1', cluster: 'gone' });
    expect(resolveTarget({ cluster: 'gone', account: '444455556666' }, two)).toMatchObject({ account: '444455556666' });
  });

  it('is no account that the scenario does not have', () => {
    expect(errorOf(() => resolveTarget({ cluster: 'demo', account: '999999999999' }, two)).hint).toContain('111122223333, 444455556666');
  });
});

describe('where the service is deployed', () => {
  const one = { id: '111122223333', clusters: [clusterIn('eu-west-1')] };

  it('is where the target is, unless the scenario says', () => {
    expect(deployedFor(TARGET, scenarioWith(one)).home).toEqual({ account: '111122223333', region: 'eu-west-1' });
    const home = { account: '111122223333', region: 'us-east-1' };
    expect(deployedFor(TARGET, { ...scenarioWith(one), home }).home).toEqual(home);
  });

  it('can not be another account', () => {
    const home = { account: '444455556666', region: 'eu-west-1' };
    expect(errorOf(() => deployedFor(TARGET, { ...scenarioWith(one), home })).message).toMatch(/another account \(111122223333\) is not available/);
  });
});

describe('the request', () => {
  it('holds what was asked for', () => {
    const flags = parseFlags({ ...GOOD, preserve: true, roleArn: ROLE, resolveConflicts: 'OVERWRITE', dryRun: true }, 'migrate');
    expect(requestFrom(flags, TARGET, 'me')).toEqual({
      target: TARGET,
      addon: 'aws-ebs-csi-driver',
      strategy: 'recreate',
      preserve: true,
      resolveConflicts: 'OVERWRITE',
      roleArn: ROLE,
      roles: {},
      dryRun: true,
      requestedBy: 'me',
    });
  });

  it('becomes the command that carries a plan out', () => {
    const flags = parseFlags({ ...GOOD, preserve: true, seed: '7', dryRun: true }, 'plan');
    expect(migrateCommand(flags)).toBe('npm run --silent pod-identity -- migrate --cluster demo --addon aws-ebs-csi-driver --preserve --seed 7 --sandbox a.json');
  });
});
