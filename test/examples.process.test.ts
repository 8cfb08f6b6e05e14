/** The examples, and other uses of the package by projects, from the package in an empty folder, without a network. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepSchemas } from '../lambdas/steps/schemas.ts';
import { archive, installInto, PACKAGE_NAME, PARTS } from './packed.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join(ROOT, 'examples/cdk-app');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const scratch = mkdtempSync(join(tmpdir(), 'examples-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (folder: string, args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));

describe('examples/cdk-app', () => {
  const project = join(scratch, 'cdk-app');
  const outdir = join(project, 'cdk.out');
  let template: Template;
  beforeAll(async () => {
    cpSync(EXAMPLE, project, { recursive: true });
    installInto(project, ['aws-cdk-lib', 'constructs', 'aws-cdk']);
    const cdk = join(project, 'node_modules/aws-cdk/bin/cdk');
    const { status, stderr, stdout } = run(project, [cdk, 'synth', '--quiet', '--no-notices', '--output', outdir]);
    if (status !== 0) throw new Error(stdout + stderr);
    template = read(outdir, 'Platform.template.json') as Template;
  });
  const ofType = (type: string) => Object.values(template.Resources).filter(({ Type }) => Type === type);

  it('deploys the service next to a resource of its own', () => {
    // The last one is the CDK's own.
    expect(Object.keys(template.Resources).filter((id) => !id.startsWith('Migrator'))).toEqual([
      expect.stringMatching(/^Alarms/),
      'CDKMetadata',
    ]);
    expect(ofType('AWS::StepFunctions::StateMachine').length).toBe(3);
    const functions = ofType('AWS::Lambda::Function').map(({ Properties }) => String(Properties['Handler']));
    const trust = ['repair-trust', 'retire-trust'];
    const expected = Object.keys(stepSchemas).filter((step) => !trust.includes(step));
    expect(functions.map((handler) => handler.replace('.handler', '')).toSorted()).toEqual(expected.toSorted());
    const [alarm] = ofType('AWS::CloudWatch::Alarm');
    expect(alarm!.Properties['AlarmActions']).toEqual([{ Ref: expect.stringMatching(/^Alarms/) as string }]);
    expect(Object.keys(template.Outputs)).toContain('StateMachineArn');
  });

  it("deploys the package's files: nothing is bundled", () => {
    const { files } = read(outdir, 'Platform.assets.json') as { files: Record<string, { source: { path: string } }> };
    const folders = Object.values(files).map(({ source }) => join(outdir, source.path));
    const lambdas = folders.find((folder) => existsSync(join(folder, 'plan.mjs')))!;
    const packaged = join(project, 'node_modules', PACKAGE_NAME, PARTS, 'lambda');
    const names = readdirSync(packaged, { recursive: true, encoding: 'utf8' }).toSorted();
    expect(readdirSync(lambdas, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(names);
    for (const name of names.filter((one) => one.endsWith('.mjs')))
      expect(readFileSync(join(lambdas, name)).equals(readFileSync(join(packaged, name))), `content of ${name}`).toBe(
        true,
      );
  });

  it('names the versions with which this project is tested', () => {
    const { dependencies, devDependencies } = read(EXAMPLE, 'package.json') as Record<string, Record<string, string>>;
    const own = read(ROOT, 'package.json') as Record<string, Record<string, string>>;
    const all: Record<string, unknown> = {
      ...own['devDependencies'],
      ...own['dependencies'],
      [PACKAGE_NAME]: `file:${basename(archive())}`,
    };
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      expect(version, `version of ${name}`).toBe(all[name]);
  });
});

/** The module, as these apps import it. */
const CDK = JSON.stringify(`${PACKAGE_NAME}/cdk`);

describe('the export ./cdk', () => {
  const project = join(scratch, 'other');
  beforeAll(async () => {
    mkdirSync(project);
    installInto(project, ['aws-cdk-lib', 'constructs', '@types/node']);
  });

  it('works in a CommonJS app', () => {
    writeFileSync(
      join(project, 'app.cjs'),
      `const { App, Stack } = require('aws-cdk-lib');
const { ConfigurationError, PodIdentityMigrator } = require(${CDK});
const stack = new Stack(new App(), 'Own');
const migrator = new PodIdentityMigrator(stack, 'Migrator', { passableRoleArns: ['role/eks-addons/*'] });
console.log(stack.resolve(migrator.table.tableName).Ref);
try {
  new PodIdentityMigrator(stack, 'Wrong', { passableRoleArns: ['role/*'] });
} catch (error) {
  console.log(error instanceof ConfigurationError, error.message.split('\\n')[0]);
}
`,
    );
    // CloudFormation's rules take the CDK half of the time, and the example above is checked with them.
    const env = { CDK_OUTDIR: join(project, 'cjs.out'), CDK_VALIDATION: 'false' };
    const { stdout, status } = run(project, ['app.cjs'], env);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^MigratorLedger/),
      'true The properties of the construct Own/Wrong are invalid. See docs/configuration.md for the allowed values of each setting.',
      '',
    ]);
    expect(status).toBe(0);
  });

  it.each([
    ['nodenext', 'nodenext'],
    ['node20', 'node16'],
    ['esnext', 'bundler'],
  ])('has types for an app with module %s and moduleResolution %s', (module, moduleResolution) => {
    writeFileSync(
      join(project, 'app.mts'),
      `import { App, Stack } from 'aws-cdk-lib';
import { type MigratorSettings, PodIdentityMigrator, PodIdentityMigratorSpoke } from ${CDK};
const settings: MigratorSettings = { passableRoleArns: ['role/eks-addons/*'], logLevel: 'DEBUG' };
const stack = new Stack(new App(), 'Own');
const { migrateAddon, kubernetesRoleArns } = new PodIdentityMigrator(stack, 'Migrator', settings);
export const [arn, roles]: [string, string[]] = [migrateAddon.stateMachineArn, kubernetesRoleArns.read];
export const { externalId } = new PodIdentityMigratorSpoke(stack, 'Spoke', { ...settings, rolesRegion: 'eu-west-1' });
// @ts-expect-error -- passableRoleArns is missing.
new PodIdentityMigrator(stack, 'Other', {});
// @ts-expect-error -- there is no such setting.
new PodIdentityMigrator(stack, 'Other', { ...settings, forEveryRole: true });
// @ts-expect-error -- there is no such level.
new PodIdentityMigrator(stack, 'Other', { ...settings, logLevel: 'LOUD' });
`,
    );
    const compilerOptions = {
      noEmit: true,
      strict: true,
      target: 'es2022',
      module,
      moduleResolution,
      types: ['node'],
      // The declarations themselves, with those of the CDK, are checked once. With an import that another resolution
      // does not find, the types are `any`, and the expected errors are missing.
      skipLibCheck: module !== 'nodenext',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.mts'] }));
    expect(run(project, [TSC, '-p', '.', '--singleThreaded'])).toMatchObject({ stdout: '', status: 0 });
  });

  it('has declarations that need no other package, and name no part of the project', () => {
    const types = join(project, 'node_modules', PACKAGE_NAME, PARTS, 'cdk');
    const files = readdirSync(types, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'));
    expect(files.toSorted()).toEqual([
      'index.d.ts',
      'types/lib/config-error.d.ts',
      'types/lib/index.d.ts',
      'types/lib/pod-identity-migrator.d.ts',
      'types/lib/settings-types.d.ts',
      'types/lib/spokes/pod-identity-migrator-spoke.d.ts',
    ]);
    for (const file of files) expect(readFileSync(join(types, file), 'utf8')).not.toMatch(/EVERY_ROLE|@internal|zod/);
  });
});
