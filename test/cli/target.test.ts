import { describe, expect, it } from 'vitest';
import { parseMigrationFlags } from '../../cli/options.ts';
import { knownCommand, migrateCommand, requestFrom } from '../../cli/request.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { deployedFor, resolveTarget, targetOfCaller } from '../../cli/target.ts';
import { scenario as scenarioSchema } from '../../sandbox/scenario/scenario.ts';
import { errorOf, ROLE, TARGET } from './fixtures.ts';
import { DEFAULT_REQUEST, GIVEN_FLAGS, GIVEN_REQUEST } from './options-fixtures.ts';
import { anExit } from '../lambdas/matchers.ts';

const GOOD = { cluster: 'demo', addon: 'aws-ebs-csi-driver', sandbox: 'a.json' };

const clusterIn = (region: string, name = 'demo'): unknown => ({ name, region, version: '1.31' });
const scenarioWith = (...accounts: unknown[]) => scenarioSchema.parse({ accounts });

const at = (account: string, region: string, cluster: string) => ({ account, region, cluster });

describe('the target', () => {
  const two = scenarioWith(
    { id: '111122223333', clusters: [clusterIn('eu-west-1'), clusterIn('us-east-1')] },
    { id: '444455556666', clusters: [clusterIn('eu-west-1'), clusterIn('eu-west-1', 'other')] },
  );

  it("is the scenario's only cluster of that name", () =>
    expect(resolveTarget({ cluster: 'other' }, two)).toEqual(at('444455556666', 'eu-west-1', 'other')));

  it('is narrowed down by the given flags', () =>
    expect(resolveTarget({ cluster: 'demo', region: 'us-east-1' }, two)).toEqual(
      at('111122223333', 'us-east-1', 'demo'),
    ));

  it('must be given if there are several', () => {
    const error = errorOf(() => resolveTarget({ cluster: 'demo' }, two));
    expect(error.message).toBe('the scenario has 3 clusters named demo');
    expect(error.hint).toContain('--account 444455556666 --region eu-west-1');
  });

  it('may be a cluster that does not exist: the plan reports it', () => {
    expect(resolveTarget({ cluster: 'gone' }, two)).toEqual(at('111122223333', 'eu-west-1', 'gone'));
    expect(resolveTarget({ cluster: 'gone', account: '444455556666' }, two)).toMatchObject({ account: '444455556666' });
  });

  it('must be in an account of the scenario', () =>
    expect(errorOf(() => resolveTarget({ cluster: 'demo', account: '999999999999' }, two)).hint).toContain(
      '111122223333, 444455556666',
    ));
});

describe('the location of the service', () => {
  const one = { id: '111122223333', clusters: [clusterIn('eu-west-1')] };

  it("is the target's, unless the scenario has its own", () => {
    expect(deployedFor(TARGET, scenarioWith(one)).home).toEqual({ account: '111122223333', region: 'eu-west-1' });
    const home = { account: '111122223333', region: 'us-east-1' };
    expect(deployedFor(TARGET, { ...scenarioWith(one), home }).home).toEqual(home);
  });

  it('cannot be in another account than the target', () => {
    const home = { account: '444455556666', region: 'eu-west-1' };
    expect(errorOf(() => deployedFor(TARGET, { ...scenarioWith(one), home })).message).toMatch(
      /deploys the service in account 444455556666, .* not in account 111122223333$/,
    );
  });
});

describe('the target of a deployed service', () => {
  const caller = { account: '111122223333', serviceAccount: '111122223333', region: 'eu-west-1' };

  it("defaults to the caller's account and the environment's region", () => {
    expect(targetOfCaller({ cluster: 'demo' }, caller)).toEqual(at('111122223333', 'eu-west-1', 'demo'));
    expect(targetOfCaller({ cluster: 'demo', region: 'us-east-1' }, { ...caller, region: undefined })).toMatchObject({
      region: 'us-east-1',
    });
  });

  it('may be in another account if it is named', () => {
    expect(targetOfCaller({ cluster: 'demo', account: '444455556666' }, caller)).toEqual(
      at('444455556666', 'eu-west-1', 'demo'),
    );
    const elsewhere = { ...caller, serviceAccount: '444455556666' };
    expect(errorOf(() => targetOfCaller({ cluster: 'demo' }, elsewhere))).toMatchObject(
      anExit('OtherAccount', 2, /in account 444455556666, but these credentials belong to account 111122223333$/),
    );
    expect(targetOfCaller({ cluster: 'demo', account: '111122223333' }, elsewhere)).toMatchObject({
      account: '111122223333',
    });
  });

  it('requires a region', () =>
    expect(errorOf(() => targetOfCaller({ cluster: 'demo' }, { ...caller, region: undefined }))).toMatchObject({
      name: 'NoRegion',
      exitCode: 2,
    }));
});

describe('the request', () => {
  it('contains the given options', () => {
    const given = {
      ...GOOD,
      ...GIVEN_FLAGS,
      strategy: 'recreate',
      preserve: true,
      roleArn: ROLE,
      role: [`a=${ROLE}2`],
      resolveConflicts: 'OVERWRITE',
      accept: ['identity-loss:c', 'identity-loss:d'],
      dryRun: true,
    };
    expect(requestFrom(parseMigrationFlags(given, 'migrate'), TARGET, 'me')).toEqual({
      ...DEFAULT_REQUEST,
      ...GIVEN_REQUEST,
      addon: 'aws-ebs-csi-driver',
      strategy: 'recreate',
      preserve: true,
      resolveConflicts: 'OVERWRITE',
      roleArn: ROLE,
      roles: { a: `${ROLE}2` },
      accept: ['identity-loss:c', 'identity-loss:d'],
      dryRun: true,
    });
  });

  it('leaves options that were not given to the service', () =>
    expect(requestFrom(parseMigrationFlags(GOOD, 'migrate'), TARGET, 'me')).toEqual({
      ...DEFAULT_REQUEST,
      addon: 'aws-ebs-csi-driver',
    }));

  it('is turned into the command that carries out the plan', () => {
    const command = (change: Record<string, unknown>): string =>
      migrateCommand(parseMigrationFlags({ ...GOOD, dryRun: true, ...change }, 'plan'));
    const start = 'npm run --silent pod-identity -- migrate --cluster demo --addon aws-ebs-csi-driver';
    expect(command({})).toBe(`${start} --sandbox a.json`);
    expect(
      command({
        strategy: 'recreate',
        preserve: true,
        maxDisruption: 'outage',
        resolveConflicts: 'NONE',
        role: [`a=${ROLE}`],
        accept: [
          'identity-loss:b',
          'condition-key:aws:SourceIp',
          'condition-key:aws:RequestTag/my$key',
          'owner:ack',
          'unknown-credentials:api/app',
          'unknown-credentials:web/app',
          'image:registry.k8s.io/external-dns/external-dns:v0.12.0',
          'consumer:SecretStore/shop/aws',
          'consumer:issuers.cert-manager.io',
          `target-role:${ROLE}2`,
          'network-policy:NetworkPolicy/shop/default-deny',
        ],
        trust: 'repair',
        iac: 'terraform',
        verification: 'injected',
        reason: "it's time",
        seed: '7',
        state: 'w.json',
      }),
    ).toBe(
      `${start} --strategy recreate --preserve --max-disruption outage --resolve-conflicts NONE --role a=${ROLE} --trust repair --verification injected --iac terraform --accept identity-loss:b --accept condition-key:aws:SourceIp --accept 'condition-key:aws:RequestTag/my$key' --accept owner:ack --accept unknown-credentials:api/app --accept unknown-credentials:web/app --accept image:registry.k8s.io/external-dns/external-dns:v0.12.0 --accept consumer:SecretStore/shop/aws --accept consumer:issuers.cert-manager.io --accept target-role:${ROLE}2 --accept network-policy:NetworkPolicy/shop/default-deny --reason 'it'\\''s time' --seed 7 --sandbox a.json --state w.json`,
    );
    expect(command({ sandbox: undefined, deployed: true, region: 'eu-west-1' })).toBe(
      `${start} --region eu-west-1 --deployed`,
    );
  });

  it('has follow-up commands', () => {
    expect(knownCommand('show', 'ID', { deployed: true })).toBe('npm run --silent pod-identity -- show ID --deployed');
    expect(shellWord('my world.json')).toBe("'my world.json'");
  });
});
