/** The release for CloudFormation alone: the same resources as with the CDK, and a migration runs on them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../lambdas/adapters/dynamo-ledger.ts';
import { EVERYTHING } from './lib/configurations.ts';
import { lambdaDirectory } from './lib/definition.ts';
import { synthesised } from './lib/synthesised.ts';
import { openSandbox } from '../sandbox/sandbox.ts';
import { releaseTemplate } from '../scripts/release/template.ts';
import { writeRelease } from '../scripts/release-template.ts';
import { ADDON, scenarioWith, TARGET } from './end-to-end/fixture.ts';
import { textsIn } from './lib/texts.ts';

const scratch = mkdtempSync(join(tmpdir(), 'release-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Template {
  Parameters: Record<string, { Default?: string; AllowedPattern?: string }>;
  Resources: Record<string, Record<string, unknown>>;
  Outputs: object;
  Rules?: object;
}
const read = (...path: string[]): Template => JSON.parse(readFileSync(join(...path), 'utf8')) as Template;
const release = async (name: string, settings?: object): Promise<string> => {
  const outdir = join(scratch, name);
  const config = join(scratch, `${name}.json`);
  if (settings) writeFileSync(config, JSON.stringify(settings));
  await writeRelease({ outdir, ...(settings ? { config } : {}) });
  return outdir;
};
const assetsOf = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.zip'));

const SETTINGS = { passableRoleArns: ['role/*ebs*'], accounts: ['222233334444'] };
let folder: string;
let configured: string;
beforeAll(async () => {
  folder = await release('default');
  configured = await release('configured', SETTINGS);
});

describe('release', () => {
  it('has the templates, their assets, a script and a README', () => {
    expect(readdirSync(folder).filter((name) => !name.endsWith('.zip'))).toEqual([
      'README.md',
      'deploy.sh',
      'template.json',
    ]);
    expect(assetsOf(folder).length).toBe(2);
    // CloudFormation's limits: 51,200 bytes in a request, so that it needs a bucket, and a megabyte there.
    const { size } = statSync(join(folder, 'template.json'));
    expect(size).toBeGreaterThan(51_200);
    expect(size).toBeLessThan(1_000_000);
  });

  it('has the resources and outputs that the CDK deploys', () => {
    const { hub } = synthesised({});
    const template = read(folder, 'template.json');
    /** Without the CDK's metadata, and with each asset where the release has it; the tests' Lambdas are the same. */
    const moved = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(moved);
      if (typeof value !== 'object' || value === null) return value;
      const { S3Bucket: bucket, S3Key: key, Metadata: _, ...rest } = value as Record<string, unknown>;
      const inner = Object.fromEntries(Object.entries(rest).map(([name, one]) => [name, moved(one)]));
      if (bucket === undefined) return inner;
      expect(bucket).toEqual({ 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}' });
      return { ...inner, S3Bucket: { Ref: 'AssetBucket' }, S3Key: { 'Fn::Sub': `\${AssetPrefix}${String(key)}` } };
    };
    expect([template.Resources, template.Outputs]).toEqual([moved(hub.Resources), hub.Outputs]);
  });

  it('needs no bootstrap, and names no path of the machine that made it', () => {
    const template = read(folder, 'template.json');
    expect(template.Rules).toBeUndefined();
    expect(Object.keys(template.Parameters)).toEqual(['AssetBucket', 'AssetPrefix']);
    expect(readFileSync(join(folder, 'template.json'), 'utf8')).not.toMatch(/cdk-hnb659fds|aws:cdk|aws:asset|\/tmp\//);
  });

  it('takes each asset from the bucket, and has all that it takes', () => {
    const text = readFileSync(join(folder, 'template.json'), 'utf8');
    const keys = new Set([...text.matchAll(/\$\{AssetPrefix\}(\w+\.zip)/g)].map(([, key]) => key!));
    expect([...keys].toSorted()).toEqual(assetsOf(folder).toSorted());
    const [lambdas] = assetsOf(folder)
      .map((name) => unzipSync(readFileSync(join(folder, name))))
      .filter((files) => 'plan.mjs' in files);
    const files = textsIn(lambdaDirectory);
    expect(
      Object.keys(lambdas!)
        .filter((name) => !name.includes('/'))
        .toSorted(),
    ).toEqual(
      Object.keys(files)
        .filter((name) => !name.includes('/'))
        .toSorted(),
    );
    expect(Buffer.from(lambdas!['plan.mjs']!).equals(readFileSync(join(lambdaDirectory, 'plan.mjs')))).toBe(true);
  });

  it('is the same bytes each time', async () => {
    const again = await release('again');
    for (const name of readdirSync(folder))
      expect(readFileSync(join(again, name)).equals(readFileSync(join(folder, name))), `content of ${name}`).toBe(true);
    expect(readdirSync(again)).toEqual(readdirSync(folder));
  });

  it('refuses prefixes that would join two names', () => {
    const { AllowedPattern: pattern = '' } = read(folder, 'template.json').Parameters['AssetPrefix']!;
    const whole = new RegExp(`^(?:${pattern})$`);
    for (const prefix of ['', 'a/', 'eks-pod-identity-migrator/0.1.0/']) expect(prefix).toMatch(whole);
    for (const prefix of ['a', '/', '/a/', 'a//']) expect(prefix).not.toMatch(whole);
  });

  it('uses in its script and its README only files and parameters that it has', () => {
    for (const name of ['deploy.sh', 'README.md']) {
      const text = readFileSync(join(folder, name), 'utf8');
      expect(text).toContain('--template-file template.json');
      for (const [, parameter] of text.matchAll(/\b(Asset\w+)=/g))
        expect(Object.keys(read(folder, 'template.json').Parameters)).toContain(parameter);
    }
    expect(statSync(join(folder, 'deploy.sh')).mode & 0o777).toBe(0o755);
  });

  it('does not touch a folder with files', () =>
    expect(writeRelease({ outdir: folder })).rejects.toThrow(/is not empty\. Name a new one: --out FOLDER/));

  it('writes nothing with a configuration that is invalid', async () => {
    await expect(release('wrong', { passableRoleArns: ['role/*'] })).rejects.toThrow(
      /passableRoleArns\.0: matches every/,
    );
    expect(readdirSync(scratch)).not.toContain('wrong');
  });

  it('serves other accounts if its configuration names some', () => {
    const { Resources } = synthesised({}, { accounts: SETTINGS.accounts }).spoke();
    expect(Object.keys(read(configured, 'template-spoke.json').Resources)).toEqual(Object.keys(Resources));
    expect(readFileSync(join(configured, 'README.md'), 'utf8')).toContain('CAPABILITY_NAMED_IAM');
  });

  it('can be made of every configuration', () => {
    const { hub } = synthesised(EVERYTHING.context, EVERYTHING.settings);
    expect(Object.keys(releaseTemplate({ ...hub })['Resources'] as object)).toEqual(Object.keys(hub.Resources));
  });

  it('fails rather than name a bucket of the CDK', () => {
    const bucket = { 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}' };
    const asset = (key: string): object => ({
      Resources: { One: { Type: 'AWS::Lambda::Function', Properties: { Code: { S3Bucket: bucket, S3Key: key } } } },
    });
    expect(() => releaseTemplate({ ...asset('a.json') })).toThrow(/can only have \.zip files/);
    expect(() => releaseTemplate({ Resources: { One: { Properties: { Bucket: bucket } } } })).toThrow(/cdk bootstrap/);
  });
});

/** Makes a cloud assembly, which the sandbox reads, of a release, whose assets are in a bucket. */
function assemblyOf(from: string, parameters: Record<string, string>): string {
  const outdir = `${from}-deployed`;
  mkdirSync(outdir);
  const template = read(from, 'template.json');
  for (const [name, value] of Object.entries(parameters)) template.Parameters[name]!.Default = value;
  const files = Object.fromEntries(
    assetsOf(from).map((key) => {
      for (const [name, content] of Object.entries(unzipSync(readFileSync(join(from, key))))) {
        const file = join(outdir, `asset.${key}`, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
      }
      const objectKey = `${parameters['AssetPrefix']}${key}`;
      return [key, { source: { path: `asset.${key}` }, destinations: { here: { objectKey } } }];
    }),
  );
  const artifacts = {
    Assets: { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
    PodIdentityMigrator: {
      type: 'aws:cloudformation:stack',
      environment: 'aws://unknown-account/unknown-region',
      properties: { templateFile: 'template.json' },
    },
  };
  for (const [name, content] of Object.entries({ template, assets: { files }, manifest: { artifacts } }))
    writeFileSync(join(outdir, `${name}.json`), JSON.stringify(content));
  return outdir;
}

it('deployed release migrates an add-on', async () => {
  const directory = assemblyOf(configured, {
    AssetBucket: 'releases',
    AssetPrefix: 'eks-pod-identity-migrator/0.1.0/',
  });
  const sandbox = await openSandbox({ scenario: scenarioWith(), assemblyDirectory: directory });
  try {
    const { clock, executions, outputs } = sandbox;
    const migrationId = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
    const { executionArn } = await sandbox
      .clients()
      .stepFunctions()
      .send(
        new StartExecutionCommand({
          stateMachineArn: outputs.stateMachineArn,
          name: migrationId,
          input: JSON.stringify({ migrationId, request: { target: TARGET, addon: ADDON } }),
        }),
      );
    await clock.park(executions.execution(executionArn!).ended);
    const ledger = createDynamoLedger({ client: sandbox.clients().dynamodb(), tableName: outputs.tableName });
    expect(await ledger.getMigration(migrationId)).toMatchObject({ outcome: 'migrated' });
  } finally {
    await sandbox.close();
  }
});
