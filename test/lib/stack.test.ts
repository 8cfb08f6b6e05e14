import { describe, expect, it } from 'vitest';
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import { HELD_LOCKS, PENDING } from '../../lambdas/adapters/indexes.ts';
import {
  deployed,
  Deployment,
  directory,
  migrateAddon,
  recover,
  resolve,
  resourcesOf,
  retire,
  roleOf,
  settingsIn,
  template,
  variablesOf,
  waitingInCircles,
} from './definition.ts';
import { DEFAULT, EVERYTHING } from './configurations.ts';
import { type Configuration, withApp } from './synthesised.ts';
import { words } from '../words.ts';

/** As CDK's command line reads it: it is in no template. */
const protectionOf = (configuration: Configuration): Record<string, boolean | undefined> =>
  withApp(configuration, (app) =>
    Object.fromEntries(
      app.synth().stacks.map(({ stackName, terminationProtection }) => [stackName, terminationProtection]),
    ),
  );

const functions = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => Properties);

describe('stack', () => {
  it('is protected from termination; those of other accounts, which keep nothing, are not', () => {
    expect(protectionOf(DEFAULT)).toEqual({ PodIdentityMigrator: true });
    expect(protectionOf(EVERYTHING)).toEqual({ PodIdentityMigrator: true, PodIdentityMigratorSpoke: false });
  });

  it('tells where the state machines and the ledger are', () => {
    const [[table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    expect(template.Outputs.StateMachineArn!.Value).toEqual({ Ref: migrateAddon.logicalId });
    expect(template.Outputs.RecoverStateMachineArn!.Value).toEqual({ Ref: recover.logicalId });
    expect(template.Outputs.RetireStateMachineArn!.Value).toEqual({ Ref: retire.logicalId });
    expect(template.Outputs.TableName!.Value).toEqual({ Ref: table });
  });

  it('tells which roles need an access entry in each cluster', () => {
    // One role alone is no list to be joined.
    const rolesIn = (output: string): string[] => {
      const value = template.Outputs[output]!.Value as {
        'Fn::Join'?: [string, { 'Fn::GetAtt': [string] }[]];
        'Fn::GetAtt': [string];
      };
      return (value['Fn::Join']?.[1] ?? [value]).map((role) => role['Fn::GetAtt'][0]);
    };
    expect(rolesIn('KubernetesRestartRoleArns')).toEqual([roleOf('restart-pods')]);
    expect(rolesIn('KubernetesAnnotateRoleArns')).toEqual([roleOf('annotate-service-account')]);
    expect(rolesIn('KubernetesRoleArns')).toEqual(
      words`
        plan begin install-agent create-association verify-pods restart-pods annotate-service-account
        restore-associations take-over finish retire-trust api take-inventory
      `.map(roleOf),
    );
  });

  it('can be deployed: no resource waits for itself', () => {
    expect(waitingInCircles(deployed)).toEqual([]);
    const [[first]] = Object.entries(template.Resources) as [[string, unknown]];
    const circle = {
      ...template,
      Resources: {
        ...template.Resources,
        [first]: { ...template.Resources[first]!, Properties: { Name: { Ref: first } } },
      },
    };
    expect(waitingInCircles(new Deployment(circle))).toContain(first);
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
      TableClass: 'STANDARD',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    expect(table.Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expires', Enabled: true });
  });

  it('indexes the locks that are held, what is pending, and the migrations', () => {
    const [[, { Properties }]] = resourcesOf('AWS::DynamoDB::Table') as [
      [string, (typeof template)['Resources'][string]],
    ];
    const keys = (hash: string, range: string): object[] => [
      { AttributeName: hash, KeyType: 'HASH' },
      { AttributeName: range, KeyType: 'RANGE' },
    ];
    const shown = ['summary', 'status', 'outcome', 'endedAt'];
    expect(Properties.GlobalSecondaryIndexes).toEqual([
      { IndexName: HELD_LOCKS, KeySchema: keys('held', 'pk'), Projection: { ProjectionType: 'ALL' } },
      {
        IndexName: PENDING,
        KeySchema: keys('pending', 'pk'),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['requestedAt'] },
      },
      ...(
        [
          ['ByTime', 'listed', shown],
          ['ByStatus', 'status', ['summary', 'outcome', 'endedAt']],
          ['ByOutcome', 'outcome', ['summary', 'status', 'endedAt']],
          ['ByCluster', 'location', shown],
          ['ByClusterName', 'cluster', shown],
          ['ByAccount', 'account', shown],
          ['ByAddon', 'addon', shown],
          ['ByRequester', 'requestedBy', shown],
        ] as const
      ).map(([IndexName, key, NonKeyAttributes]) => ({
        IndexName,
        KeySchema: keys(key, 'listKey'),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes },
      })),
    ]);
  });

  it('has one function for each step, all of one asset', () => {
    expect(functions.map(({ Handler }) => String(Handler)).sort()).toEqual(
      Object.keys(stepSchemas)
        .map((step) => `${step}.handler`)
        .sort(),
    );
    expect(new Set(functions.map(({ Code }) => JSON.stringify(Code))).size).toBe(1);
    for (const properties of functions) {
      const { timeoutSeconds, memoryMb } = stepSchemas[String(properties.Handler).replace('.handler', '') as StepName];
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
        Timeout: timeoutSeconds,
        MemorySize: memoryMb,
      });
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

  it("tells a step what it can't know", () => {
    expect(variablesOf('find-stranded').RECOVER_STATE_MACHINE_ARN).toBe(recover.logicalId);
    for (const step of ['api', 'find-stranded'])
      expect(variablesOf(step).RETIRE_STATE_MACHINE_ARN).toBe(retire.logicalId);
    // Of whichever account a cluster is in.
    expect(settingsIn(directory)).toEqual({
      accounts: ['*'],
      passableRoleArns: ['role/*'],
      repairableRoleArns: ['role/*'],
    });
    for (const step of ['create-addon', 'update-addon', 'restore-addon'])
      expect(variablesOf('plan')[`${step.toUpperCase().replaceAll('-', '_')}_ROLE_ARN`]).toMatch(
        new RegExp(`:${roleOf(step)}$`),
      );
  });

  it('gives each function a log group of its own that does not grow for ever', () => {
    const groups = functions.map(({ LoggingConfig }) => (LoggingConfig as { LogGroup: { Ref: string } }).LogGroup.Ref);
    expect(new Set(groups).size).toBe(functions.length);
    for (const [, { Properties }] of resourcesOf('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(180);
  });

  it('knows no account and no region', () => expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b/));
});
