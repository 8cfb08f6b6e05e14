/** The log groups of state machines, by which AWS would refuse a state machine in an account that has many. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { afterAll, describe, expect, it } from 'vitest';
import { createStateMachine } from '../../lib/step-machine.ts';
import { EVERYTHING } from './configurations.ts';
import { deployed, type Deployment, type Resource, type Template } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';

const PREFIX = '/aws/vendedlogs/states/';

/** The log group of each state machine. */
const logsOf = (deployment: Deployment): [logicalId: string, group: Resource][] =>
  deployment.resourcesOf('AWS::StepFunctions::StateMachine').map(([, { Properties }]) => {
    const { Destinations } = Properties.LoggingConfiguration as {
      Destinations: { CloudWatchLogsLogGroup: { LogGroupArn: { 'Fn::GetAtt': [string, string] } } }[];
    };
    const [id] = Destinations[0]!.CloudWatchLogsLogGroup.LogGroupArn['Fn::GetAtt'];
    return [id, deployment.template.Resources[id]!];
  });

// The others differ in nothing that log groups are made of.
describe.each(
  Object.entries({ 'every role': deployed, everything: synthesiseWith(EVERYTHING.context, EVERYTHING.settings) }),
)('of a deployment with %s', (_, deployment) => {
  it('they are all where the region’s resource policy for log delivery does not grow by them', () => {
    const groups = logsOf(deployment);
    expect(groups.length).toBeGreaterThanOrEqual(3);
    for (const [id, { Properties }] of groups)
      expect(Properties.LogGroupName).toBe(`${PREFIX}PodIdentityMigrator-${id}`);
  });

  it('they go with the stack, and are not in the way of the next one of its name', () => {
    for (const [, group] of logsOf(deployment))
      expect(group).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
  });

  it('no other log group has a fixed name', () => {
    const named = new Set(logsOf(deployment).map(([id]) => id));
    for (const [id, { Properties }] of deployment.resourcesOf('AWS::Logs::LogGroup'))
      expect(Properties.LogGroupName !== undefined, `of ${id}`).toBe(named.has(id));
  });
});

describe('a fixed name', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'step-machine-'));
  afterAll(() => rmSync(outdir, { recursive: true }));

  /** Of the log group of a state machine in that construct of that stack. */
  const nameIn = (stackName: string, construct: string): unknown => {
    // The template is not what is tested.
    const app = new App({ outdir: join(outdir, stackName, construct), builtinCloudFormationValidation: false });
    const scope = new Construct(new Stack(app, stackName), construct);
    createStateMachine(scope, { comment: 'Ends.', start: Succeed.jsonata(scope, 'End'), timeout: Duration.hours(1) });
    const { Resources } = app.synth().getStackByName(stackName).template as Template;
    return Object.values(Resources).find(({ Type }) => Type === 'AWS::Logs::LogGroup')!.Properties.LogGroupName;
  };

  it('is that of one stack, and another one where a group takes the place of one', () => {
    const names = [nameIn('One', 'Migrate'), nameIn('Two', 'Migrate'), nameIn('One', 'Moved')];
    expect(names[0]).toMatch(/^\/aws\/vendedlogs\/states\/One-MigrateLogs[0-9A-F]{8}$/);
    expect(new Set(names).size).toBe(3);
  });
});
