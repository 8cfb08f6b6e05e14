import { describe, expect, it } from 'vitest';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { resolve, resourcesOf, template } from './definition.ts';

const functions = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => Properties);

describe('stack', () => {
  it('tells where the state machine and the ledger are', () => {
    const [[machine]] = resourcesOf('AWS::StepFunctions::StateMachine') as [[string, unknown]];
    const [[table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    expect(template.Outputs.StateMachineArn!.Value).toEqual({ Ref: machine });
    expect(template.Outputs.TableName!.Value).toEqual({ Ref: table });
  });

  it('keeps the ledger, whatever happens to the stack', () => {
    const [[, table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, (typeof template)['Resources'][string]]];
    expect(table.DeletionPolicy).toBe('Retain');
    expect(table.Properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    expect(table.Properties.TimeToLiveSpecification).toBeUndefined();
  });

  it('has one function for each step, all of one asset', () => {
    const handlers = functions.map(({ Handler }) => String(Handler));
    expect(handlers.sort()).toEqual(Object.keys(stepSchemas).map((step) => `${step}.handler`).sort());
    expect(new Set(functions.map(({ Code }) => JSON.stringify(Code))).size).toBe(1);
    for (const properties of functions) {
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], TracingConfig: { Mode: 'Active' }, Timeout: 60 });
    }
  });

  it('gives each function the environment that its schema asks for', () => {
    for (const { Handler, Environment } of functions) {
      const schema = stepSchemas[String(Handler).replace('.handler', '') as keyof typeof stepSchemas].environment;
      const variables = resolve((Environment as { Variables: unknown }).Variables) as Record<string, string>;
      expect(Object.keys(variables).sort()).toEqual(Object.keys(schema.shape).sort());
      expect(schema.safeParse(variables).success).toBe(true);
    }
  });

  it('gives each function a log group of its own that does not grow for ever', () => {
    const groups = functions.map(({ LoggingConfig }) => (LoggingConfig as { LogGroup: { Ref: string } }).LogGroup.Ref);
    expect(new Set(groups).size).toBe(functions.length);
    for (const [, { Properties }] of resourcesOf('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(180);
  });

  it('knows no account and no region', () => {
    expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b/);
  });
});
