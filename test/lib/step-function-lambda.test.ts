import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { afterAll, describe, expect, it } from 'vitest';
import { planSchema } from '../../lambdas/steps/plan/schema.ts';
import { stepTask } from '../../lib/migration/task.ts';
import { StepLambda } from '../../lib/step-function-lambda.ts';
import { byVariable } from '../../lambdas/domain/steps/work.ts';

const scratch = mkdtempSync(join(tmpdir(), 'step-function-lambda-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const aStack = (): Stack => new Stack(new App({ outdir: scratch }));

const code = lambda.Code.fromInline('none');
const environment = {
  TABLE_NAME: 'ledger',
  POWERTOOLS_SERVICE_NAME: 'test',
  POWERTOOLS_METRICS_NAMESPACE: 'Test',
  POWERTOOLS_LOG_LEVEL: 'INFO',
  ACCOUNT: '111122223333',
  SETTINGS_FILE: '/opt/settings.json',
  KUBERNETES_ROLE_ARNS: 'arn:aws:iam::111122223333:role/plan',
  ...byVariable((step) => `arn:aws:iam::111122223333:role/${step}`),
  APPROVAL_REQUIRED: 'false',
} as const;
const { TABLE_NAME: _, ...withoutTable } = environment;
const { KUBERNETES_ROLE_ARNS: __, ...withoutOwn } = environment;

describe("environment of a step's Lambda", () => {
  it('neither compiles nor synthesises with a variable missing', () =>
    expect(
      // @ts-expect-error -- TABLE_NAME is missing.
      () => new StepLambda(aStack(), 'Plan', { schema: planSchema, code, grants: [], environment: withoutTable }),
    ).toThrow(/TABLE_NAME/));

  it('neither compiles nor synthesises without a variable that this step alone has', () =>
    expect(
      // @ts-expect-error -- KUBERNETES_ROLE_ARNS is missing.
      () => new StepLambda(aStack(), 'Plan', { schema: planSchema, code, grants: [], environment: withoutOwn }),
    ).toThrow(/KUBERNETES_ROLE_ARNS/));

  it('neither compiles nor synthesises with a value that the schema does not know', () => {
    const wrong = { ...environment, POWERTOOLS_LOG_LEVEL: 'LOUD' } as const;
    expect(
      // @ts-expect-error -- there is no such level.
      () => new StepLambda(aStack(), 'Plan', { schema: planSchema, code, grants: [], environment: wrong }),
    ).toThrow(/POWERTOOLS_LOG_LEVEL/);
  });

  it('does not compile with a variable that no step reads', () => {
    const step = new StepLambda(aStack(), 'Plan', {
      schema: planSchema,
      code: lambda.Code.fromAsset(import.meta.dirname),
      grants: [],
      // @ts-expect-error -- the schema has no such variable; what the schema does not know is not deployed either.
      environment: { ...environment, TABEL_NAME: 'x' },
    });
    expect(step.function.role).toBe(step.role);
  });
});

it('a state that calls a step is refused where the deployment has no such function', () =>
  expect(() => stepTask(aStack(), 'retire-trust', { functions: {} as never, payload: '{}' as never })).toThrow(
    'The step retire-trust is not part of this deployment: leave out the states that call it.',
  ));
