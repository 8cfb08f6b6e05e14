import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { ERROR_CLASSES } from '../../lambdas/domain/errors.ts';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { bundle } from '../../scripts/bundle.ts';
import { ASSEMBLY } from '../../scripts/stamp.ts';
import { lambdaDirectory } from './definition.ts';

const ROOT = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'build-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

describe('the sandbox', () => {
  it("deploys another folder than the one that CDK's command line writes", () => {
    const { output } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { output: string };
    expect(join(ROOT, output)).not.toBe(ASSEMBLY);
  });
});

describe('bundles', () => {
  const ENVIRONMENT = {
    TABLE_NAME: 'ledger',
    POWERTOOLS_SERVICE_NAME: 'test',
    POWERTOOLS_METRICS_NAMESPACE: 'Test',
    POWERTOOLS_LOG_LEVEL: 'ERROR',
    PASSABLE_ROLE_ARNS: 'arn:aws:iam::111122223333:role/*',
    RECOVER_STATE_MACHINE_ARN: 'arn:aws:states:eu-west-1:111122223333:stateMachine:recover',
    AWS_REGION: 'eu-west-1',
  };

  it('have a handler for each step, which refuses bad input by the name that Step Functions matches', () => {
    const script = `
      const answers = {};
      for (const step of ${JSON.stringify(Object.keys(stepSchemas))}) {
        const { handler } = await import(${JSON.stringify(lambdaDirectory)} + '/' + step + '.mjs');
        // The clock's event is not looked at, so there is no bad one; publish-events needs none of what its own has.
        answers[step] = step === 'find-stranded' ? typeof handler : await handler(step === 'publish-events' ? { name: 1 } : {}, { awsRequestId: 'r', functionName: step, getRemainingTimeInMillis: () => 60000 }).then(() => 'no error', (error) => error.name);
      }
      process.stdout.write('\\n' + JSON.stringify(answers));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: ENVIRONMENT,
      encoding: 'utf8',
    });
    const answers = JSON.parse(output.split('\n').at(-1)!) as Record<string, string>;
    expect(answers).toEqual({
      ...Object.fromEntries(Object.keys(stepSchemas).map((step) => [step, 'BadInput'])),
      'find-stranded': 'function',
    });
  });

  it('keep the names of errors, which a minifier would shorten if they were those of classes', () => {
    const thrown = new Set(
      readdirSync(join(ROOT, 'lambdas'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('domain/errors.ts'))
        .flatMap((file) =>
          [...readFileSync(join(ROOT, 'lambdas', file), 'utf8').matchAll(/'(\w+)'/g)].map(([, text]) => text!),
        )
        .filter((text) => text in ERROR_CLASSES),
    );
    expect(thrown.size).toBeGreaterThan(5);
    const code = Object.values(filesOf(lambdaDirectory)).join('\n');
    expect([...thrown].filter((name) => !code.includes(`"${name}"`))).toEqual([]);
  });

  it('are the same bytes each time', () => {
    bundle(join(scratch, 'one'));
    bundle(join(scratch, 'two'));
    expect(filesOf(join(scratch, 'two'))).toEqual(filesOf(join(scratch, 'one')));
    expect(filesOf(join(scratch, 'one'))).toEqual(filesOf(lambdaDirectory));
  });
});

describe('build', () => {
  it('is not made again for the same sources', async () => {
    const onBuild = vi.fn<() => void>();
    await ensureAssembly(onBuild);
    expect(onBuild).not.toHaveBeenCalled();
  });

  it('is made once more when a source has changed, also by two processes at once', { timeout: 120_000 }, async () => {
    const copy = join(scratch, 'project');
    for (const part of [
      'bin',
      'lib',
      'lambdas',
      'scripts',
      'cli/assembly.ts',
      'cdk.json',
      'package.json',
      'package-lock.json',
    ]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const script = `
      import { readFileSync } from 'node:fs';
      import { ensureAssembly } from './cli/assembly.ts';
      let built = false;
      const { directory, lambdaDirectory } = await ensureAssembly(() => { built = true; });
      const template = readFileSync(directory + '/PodIdentityMigrator.template.json', 'utf8');
      const memory = /"MemorySize": (\\d+)/.exec(template)[1];
      console.log(JSON.stringify({ built, memory, plan: readFileSync(lambdaDirectory + '/plan.mjs', 'utf8').length > 0 }));`;
    const run = async (): Promise<unknown> => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        cwd: copy,
      });
      return JSON.parse(stdout);
    };

    const both = await Promise.all([run(), run()]);
    expect(both).toEqual([1, 2].map(() => ({ built: true, memory: '512', plan: true })));
    await expect(run()).resolves.toMatchObject({ built: false });

    const source = join(copy, 'lib/step-function-lambda.ts');
    writeFileSync(source, readFileSync(source, 'utf8').replace('schema.memoryMb ?? 512', '1024'));
    await expect(run()).resolves.toEqual({ built: true, memory: '1024', plan: true });
    expect(readdirSync(join(copy, 'dist')).sort()).toEqual(['assembly', 'lambda', 'stamp']);
  });
});
