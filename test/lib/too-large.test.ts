/** Configurations whose settings are right one by one, and together exceed limits of AWS. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnOutput, CfnResource } from 'aws-cdk-lib';
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

describe('a configuration that exceeds limits of AWS', () => {
  it('is refused by the setting, with what it comes to, the limit, and what to do', () => {
    const [title, heading, problem, next, ...more] = messageOf({
      passableRoleArns: patternsOf(100, 'passed', LONG.repeat(3)),
    }).split('\n');
    expect([title, heading, next, more]).toEqual([
      'The configuration exceeds limits of AWS. See docs/scale.md for the limits and the sizes of configurations.',
      'Reduce these settings:',
      'Nothing was written. Change the settings, then run npx cdk synth again.',
      [],
    ]);
    expect(problem).toMatch(
      /^ {2}passableRoleArns: makes the managed policies of the role Steps\w+Role\w+ too large: 1\d policies, but IAM allows 10; \d+ characters of it come from this setting\. Cover several roles by one pattern, such as role\/eks-addons\/\*, or shorten their paths$/,
    );
  });

  it('is told at each setting that makes something too large', () => {
    const message = messageOf({
      passableRoleArns: patternsOf(100, 'passed', LONG.repeat(4)),
      repairableRoleArns: patternsOf(100, 'repaired', LONG.repeat(5)),
      accounts: accountsOf(2),
    });
    expect(message.match(/^ {2}[\w.]+: /gm)).toEqual(['  passableRoleArns: ', '  repairableRoleArns: ']);
  });

  it('may be the schedules, whose requests stand in the template', () => {
    const selection = {
      clusters: Array.from({ length: 100 }, (_, index) => `${'c'.repeat(90)}-${index}`),
      accounts: accountsOf(500),
    };
    const message = messageOf({
      passableRoleArns: ['role/eks-addons/*'],
      sweeps: Array.from({ length: 50 }, (_, index) => ({
        name: `weekly-${index}`,
        schedule: 'rate(7 days)',
        request: { mode: 'inventory', selection },
      })),
    });
    expect(message).toMatch(
      /^ {2}sweeps: makes the template PodIdentityMigrator\.template\.json too large: \d{7} bytes, but CloudFormation allows 1000000;/m,
    );
  });

  it('leaves nothing behind, and what is there as it is', () => {
    const outdir = join(scratch, 'kept');
    const refused = { passableRoleArns: patternsOf(100, 'passed', LONG.repeat(3)) };
    expect(messageOf(refused, outdir)).not.toBe('');
    expect(readdirSync(scratch).filter((name) => name.includes('kept'))).toEqual([]);
    expect(messageOf({ passableRoleArns: ['role/eks-addons/*'] }, outdir)).toBe('');
    const before = textsIn(outdir);
    expect(Object.keys(before)).toContain('manifest.json');
    expect(messageOf(refused, outdir)).not.toBe('');
    expect(messageOf({ passableRoleArns: ['role/*'] }, outdir)).toContain('matches every role');
    expect(textsIn(outdir)).toEqual(before);
    expect(readdirSync(scratch).filter((name) => name.includes('kept'))).toEqual(['kept']);
  });
});

describe('an assembly', () => {
  it('keeps the other files of the folder, and replaces an earlier assembly', () => {
    const outdir = join(scratch, 'twice');
    mkdirSync(outdir);
    writeFileSync(join(outdir, 'synth.lock'), '1');
    expect(messageOf({ passableRoleArns: ['role/one/*'] }, outdir)).toBe('');
    expect(messageOf({ passableRoleArns: ['role/two/*'] }, outdir)).toBe('');
    const texts = textsIn(outdir);
    expect(texts['synth.lock']).toBe('1');
    expect(texts['PodIdentityMigrator.template.json']).toContain(':role/two/*');
    expect(texts['PodIdentityMigrator.template.json']).not.toContain(':role/one/*');
  });
});

describe('an app', () => {
  it('is prepared before it is synthesised', () => {
    const outdir = join(scratch, 'prepared');
    synthesise(outdir, {
      lambdaDirectory,
      context: { passableRoleArns: 'role/eks-addons/*', 'aws:cdk:disable-asset-staging': true },
      prepare: (app) => {
        expect(new CfnOutput(app.node.findChild('PodIdentityMigrator'), 'Added', { value: 'here' }).node.id).toBe(
          'Added',
        );
      },
    });
    expect(textsIn(outdir)['PodIdentityMigrator.template.json']).toContain('"Added":{"Value":"here"}');
  });
});

describe('an app that the CDK finds fault with', () => {
  it('is not put in place, and the report stays where the CDK says that it is', () => {
    const outdir = join(scratch, 'wrong');
    expect(() =>
      synthesise(outdir, {
        lambdaDirectory,
        checked: true,
        context: { passableRoleArns: 'role/eks-addons/*', 'aws:cdk:disable-asset-staging': true },
        prepare: (app) => {
          const wrong = { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'soon' } };
          expect(new CfnResource(app.node.findChild('PodIdentityMigrator'), 'Wrong', wrong).ref).toBeTypeOf('string');
        },
      }),
    ).toThrow("VisibilityTimeout: 'soon' is not of type 'integer'");
    const [hidden, ...others] = readdirSync(scratch).filter((name) => name.includes('wrong'));
    expect([hidden, others]).toEqual([expect.stringMatching(/^\.wrong-/), []]);
    expect(readdirSync(join(scratch, hidden!))).toContain('validation-report.json');
  });
});

describe('what no setting accounts for', () => {
  it('is an error of another kind, since no configuration mends it', () => {
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
});
