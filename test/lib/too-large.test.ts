/** Configurations whose settings are right one by one, and together exceed limits of AWS. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, CfnOutput } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import type { Excess } from '../../lambdas/domain/aws/limits.ts';
import { ConfigurationError } from '../../lib/config-error.ts';
import { tooLarge } from '../../lib/too-large.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { configOf } from './config-files.ts';
import { accountsOf, patternsOf } from './configurations.ts';
import { lambdaDirectory } from './definition.ts';
import { textsIn } from './texts.ts';

const scratch = mkdtempSync(join(tmpdir(), 'too-large-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let runs = 0;
/** What a user sees of it; empty where nothing is refused. */
const messageOf = (settings: object, outdir = join(scratch, `out-${(runs += 1)}`)): string => {
  const config = join(scratch, `settings-${runs}.json`);
  writeFileSync(config, JSON.stringify(settings));
  try {
    synthesise(outdir, { lambdaDirectory, context: { config, 'aws:cdk:disable-asset-staging': true } });
    return '';
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message;
  }
};
const LONG = `${'p'.repeat(100)}/`;
const REFUSED = { passableRoleArns: patternsOf(100, 'passed', LONG.repeat(3)) };
/** The service, in an app that a test extends. */
const synthesiseTo = (name: string, prepare: (app: App) => void): void =>
  synthesise(join(scratch, name), {
    lambdaDirectory,
    context: { passableRoleArns: 'role/eks-addons/*', 'aws:cdk:disable-asset-staging': true },
    prepare,
  });

describe('a configuration that exceeds limits of AWS', () => {
  it('is refused by the setting, with what it comes to, the limit, and what to do; nothing is left behind', () => {
    const [title, heading, problem, next, ...more] = messageOf(REFUSED, join(scratch, 'refused')).split('\n');
    expect([title, heading, next, more]).toEqual([
      'The configuration exceeds limits of AWS. See docs/scale.md for the limits and the sizes of configurations.',
      'Reduce these settings:',
      'Nothing was written. Change the settings, then run npx cdk synth again.',
      [],
    ]);
    expect(problem).toMatch(
      /^ {2}passableRoleArns: makes the managed policies of the role Steps\w+Role\w+ too large: 1\d policies, but IAM allows 10; \d+ characters of it come from this setting\. Cover several roles by one pattern, such as role\/eks-addons\/\*, or shorten their paths$/,
    );
    expect(readdirSync(scratch).filter((name) => name.includes('refused'))).toEqual([]);
  });

  it('is told at each setting that makes something too large, such as the schedules with their requests', () => {
    const selection = {
      clusters: Array.from({ length: 100 }, (_, index) => `${'c'.repeat(90)}-${index}`),
      accounts: accountsOf(500),
    };
    const message = messageOf({
      passableRoleArns: patternsOf(100, 'passed', LONG.repeat(4)),
      repairableRoleArns: patternsOf(100, 'repaired', LONG.repeat(5)),
      accounts: accountsOf(2),
      sweeps: Array.from({ length: 50 }, (_, index) => ({
        name: `weekly-${index}`,
        schedule: 'rate(7 days)',
        request: { mode: 'inventory', selection },
      })),
    });
    expect(message.match(/^ {2}[\w.]+: /gm)!.toSorted()).toEqual(
      ['passableRoleArns', 'repairableRoleArns', 'sweeps'].map((setting) => `  ${setting}: `),
    );
    expect(message).toMatch(
      /^ {2}sweeps: makes the template PodIdentityMigrator\.template\.json too large: \d{7} bytes, but CloudFormation allows 1000000;/m,
    );
  });
});

it('an assembly replaces an earlier one, and only if it is right; the other files of the folder stay', () => {
  const outdir = join(scratch, 'kept');
  mkdirSync(outdir);
  writeFileSync(join(outdir, 'synth.lock'), '1');
  expect(messageOf({ passableRoleArns: ['role/one/*'] }, outdir)).toBe('');
  expect(textsIn(outdir)['PodIdentityMigrator.template.json']).toContain(':role/one/*');
  synthesiseTo('kept', (app) => {
    expect(new CfnOutput(app.node.findChild('PodIdentityMigrator'), 'Added', { value: 'here' }).node.id).toBe('Added');
  });
  const before = textsIn(outdir);
  expect(before['synth.lock']).toBe('1');
  expect(Object.keys(before)).toContain('manifest.json');
  expect(before['PodIdentityMigrator.template.json']).not.toContain(':role/one/*');
  // An app is prepared before it is synthesised.
  expect(before['PodIdentityMigrator.template.json']).toContain('"Added":{"Value":"here"}');
  expect(messageOf(REFUSED, outdir)).not.toBe('');
  expect(messageOf({ passableRoleArns: ['role/*'] }, outdir)).toContain('matches every role');
  expect([textsIn(outdir), readdirSync(scratch).filter((name) => name.includes('kept'))]).toEqual([before, ['kept']]);
});

it('what no setting accounts for is an error of another kind, since no configuration mends it', () => {
  const excess: Excess = {
    subject: 'the environment of the function Plan',
    measured: 5000,
    most: 4096,
    unit: 'bytes',
    service: 'Lambda',
    refusal: 'no',
    content: '{"TABLE_NAME":"ledger"}',
  };
  const error = tooLarge([excess], configOf({ passableRoleArns: 'role/eks-addons/*' }));
  expect(error).not.toBeInstanceOf(ConfigurationError);
  expect(error?.message).toBe(
    'AWS would refuse to deploy this with any configuration: the environment of the function Plan has 5000 bytes of 4096.',
  );
  expect(tooLarge([], configOf({ passableRoleArns: 'role/eks-addons/*' }))).toBeUndefined();
});
