/** The build's output as it is; build.process.test.ts builds again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { ERROR_CLASSES } from '../../lambdas/domain/failures/errors.ts';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { ASSEMBLY } from '../../scripts/stamp.ts';
import { lambdaDirectory } from './definition.ts';
import { textsIn } from './texts.ts';

const ROOT = join(import.meta.dirname, '../..');

it("the sandbox deploys another folder than the one that CDK's command line writes", () => {
  const { output } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { output: string };
  expect(join(ROOT, output)).not.toBe(ASSEMBLY);
});

describe('bundles', () => {
  const ENVIRONMENT = {
    TABLE_NAME: 'ledger',
    POWERTOOLS_SERVICE_NAME: 'test',
    POWERTOOLS_METRICS_NAMESPACE: 'Test',
    POWERTOOLS_LOG_LEVEL: 'ERROR',
    RECOVER_STATE_MACHINE_ARN: 'arn:aws:states:eu-west-1:111122223333:stateMachine:recover',
    AWS_REGION: 'eu-west-1',
  };
  const scratch = mkdtempSync(join(tmpdir(), 'build-test-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('have a handler for each step, which refuses bad input by the name that Step Functions matches', () => {
    const script = `
      const answers = {};
      for (const step of ${JSON.stringify(Object.keys(stepSchemas))}) {
        const { handler } = await import(${JSON.stringify(lambdaDirectory)} + '/' + step + '.mjs');
        // The clock's event is not looked at, so there is no bad one; publish-events needs none of what its own has.
        answers[step] = step === 'find-stranded' ? typeof handler : await handler(step === 'publish-events' ? { name: 1 } : {}, { awsRequestId: 'r', functionName: step, getRemainingTimeInMillis: () => 60000 }).then(() => 'no error', (error) => error.name);
      }
      process.stdout.write('\\n' + JSON.stringify(answers));`;
    const settings = join(scratch, 'settings.json');
    writeFileSync(settings, JSON.stringify({ accounts: [], passableRoleArns: ['role/*'] }));
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...ENVIRONMENT, SETTINGS_FILE: settings },
      encoding: 'utf8',
    });
    expect(JSON.parse(output.split('\n').at(-1)!) as Record<string, string>).toEqual({
      ...Object.fromEntries(Object.keys(stepSchemas).map((step) => [step, 'BadInput'])),
      'find-stranded': 'function',
    });
  });

  it('start nothing without the settings of the deployment', () => {
    const script = `
      const { handler } = await import(${JSON.stringify(join(lambdaDirectory, 'plan.mjs'))});
      const context = { awsRequestId: 'r', functionName: 'plan', getRemainingTimeInMillis: () => 60000 };
      const messageOf = async () => handler({}, context).then(() => 'no error', (error) => error.name + ': ' + error.message);
      const without = await Promise.resolve().then(messageOf).catch((error) => error.name + ': ' + error.message);
      process.env.SETTINGS_FILE = '/opt/none.json';
      const missing = await Promise.resolve().then(messageOf).catch((error) => error.name + ': ' + error.message);
      process.stdout.write(JSON.stringify([without, missing]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: ENVIRONMENT,
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual([
      'BadInput: The environment variable SETTINGS_FILE of this function is not set; deploy the service again, so that the function gets it.',
      'BadInput: The settings file /opt/none.json of this function cannot be read (ENOENT). Deploy the service again, so that the function gets the layer with its settings.',
    ]);
  });

  it('keep the names of errors, which a minifier would shorten if they were those of classes', () => {
    const thrown = new Set(
      readdirSync(join(ROOT, 'lambdas'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('domain/failures/errors.ts'))
        .flatMap((file) =>
          [...readFileSync(join(ROOT, 'lambdas', file), 'utf8').matchAll(/'(\w+)'/g)].map(([, text]) => text!),
        )
        .filter((text) => text in ERROR_CLASSES),
    );
    expect(thrown.size).toBeGreaterThan(5);
    const code = Object.values(textsIn(lambdaDirectory)).join('\n');
    expect([...thrown].filter((name) => !code.includes(`"${name}"`))).toEqual([]);
  });
});

it('build is not made again for the same sources', async () => {
  const onBuild = vi.fn<() => void>();
  await ensureAssembly(onBuild);
  expect(onBuild).not.toHaveBeenCalled();
});
