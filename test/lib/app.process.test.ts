/** The app as CDK's command line runs it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, CfnResource, Stack } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { synthesise } from '../../scripts/synthesise.ts';
import { lambdaDirectory } from './definition.ts';
import { REQUIRED } from './synthesised.ts';

const ROOT = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'app-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('bin/app.ts', () => {
  const run = (context: object, outdir = 'cdk.out') =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../bin/app.ts')], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, CDK_OUTDIR: join(scratch, outdir), CDK_CONTEXT_JSON: JSON.stringify(context) },
    });

  it('synthesises what the command line asks for', () => {
    expect(run(REQUIRED)).toMatchObject({ stderr: '', status: 0 });
    expect(readFileSync(join(scratch, 'cdk.out/PodIdentityMigrator.template.json'), 'utf8')).toContain(
      ':role/eks-addons/*',
    );
  });

  it('fails without named roles, and says what to set', () => {
    const { status, stderr } = run({}, 'refused');
    expect(status).not.toBe(0);
    expect(stderr).toContain('passableRoleArns: must name the roles');
    // Not even a stack without resources, which `cdk deploy --app` would take for a deletion of all of them.
    expect(readdirSync(scratch).filter((name) => name.includes('refused'))).toEqual([]);
  });
});

describe('npm run synth', () => {
  const synth = (outdir: string, settings: object) => {
    const config = join(scratch, 'settings.json');
    writeFileSync(config, JSON.stringify(settings));
    return spawnSync('npm', ['run', '--silent', 'synth', '--', '-c', `config=${config}`, '--output', outdir], {
      cwd: ROOT,
      encoding: 'utf8',
    });
  };

  // What exceeds limits of AWS, which is found only after the synthesis, is in too-large.test.ts.
  it('leaves the folder of the assembly as it is, with a setting that is not right', () => {
    const outdir = join(scratch, 'of-npm');
    mkdirSync(outdir, { recursive: true });
    writeFileSync(join(outdir, 'manifest.json'), 'of before');
    const { status, stderr } = synth(outdir, { accounts: ['none'] });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/accounts\.0: must be an AWS account id/);
    expect(readFileSync(join(outdir, 'manifest.json'), 'utf8')).toBe('of before');
    // Those are the command line's own.
    expect(readdirSync(outdir).filter((name) => !/\.lock$|^performance-counters\.json$/.test(name))).toEqual([
      'manifest.json',
    ]);
    expect(readdirSync(scratch).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

/** Not in `npm test`: loading the CDK's rules takes seconds. */

it('an app that the CDK finds fault with is not put in place, and the report stays where the CDK says that it is', () => {
  const prepare = (app: App): void => {
    // The CDK would take many seconds for the rules of all resources of the service.
    app.node.tryRemoveChild('PodIdentityMigrator');
    const wrong = { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'soon' } };
    expect(new CfnResource(new Stack(app, 'PodIdentityMigrator'), 'Wrong', wrong).ref).toBeTypeOf('string');
  };
  const context = { ...REQUIRED, 'aws:cdk:disable-asset-staging': true };
  expect(() => synthesise(join(scratch, 'wrong'), { lambdaDirectory, checked: true, context, prepare })).toThrow(
    "VisibilityTimeout: 'soon' is not of type 'integer'",
  );
  const [hidden, ...others] = readdirSync(scratch).filter((name) => name.includes('wrong'));
  expect([hidden, others]).toEqual([expect.stringMatching(/^\.wrong-/), []]);
  expect(readdirSync(join(scratch, hidden!))).toContain('validation-report.json');
});
