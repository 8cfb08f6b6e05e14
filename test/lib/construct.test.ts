/** The hub and the spoke as constructs in an app of a user. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type AppProps, Aspects, CfnOutput, NestedStack, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { afterAll, describe, expect, it } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { PodIdentityMigrator, PodIdentityMigratorSpoke, type PodIdentityMigratorProps } from '../../lib/index.ts';
import { queuePrefix } from '../../lib/names.ts';
import { lambdaDirectory } from './definition.ts';
import { nagFindingsOf } from './nag.ts';
import { synthesised } from './synthesised.ts';
import { containing } from '../lambdas/matchers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'construct-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** CloudFormation's limit allows one hub in a stack, but their parts must not depend on that. */
const MORE_RESOURCES = { '@aws-cdk/core:stackResourceLimit': 0 };
const MINIMIZE = '@aws-cdk/aws-iam:minimizePolicies';
const PROPS = { passableRoleArns: ['role/eks-addons/*'], lambdaDirectory } satisfies PodIdentityMigratorProps;

let apps = 0;
const outdirs = new Map<App, string>();
/** An app as `cdk init` would not even make it: only the one flag that the constructs ask for. */
function newApp(context: AppProps['context'] = { [MINIMIZE]: true }): App {
  apps += 1;
  const outdir = join(scratch, String(apps));
  const app = new App({
    outdir,
    context: { 'aws:cdk:disable-asset-staging': true, ...MORE_RESOURCES, ...context },
    analyticsReporting: false,
    treeMetadata: false,
    builtinCloudFormationValidation: false,
  });
  outdirs.set(app, outdir);
  return app;
}

interface Resources {
  [id: string]: { Type: string; Properties?: Record<string, unknown>; DeletionPolicy?: string };
}
const resourcesOf = (stack: Stack): Resources =>
  (Template.fromStack(stack).toJSON() as { Resources: Resources }).Resources;
const typesOf = (resources: Resources) =>
  Object.values(resources)
    .map(({ Type }) => Type)
    .toSorted();

it('hub in a stack of its own is what the stack of this project consists of', () => {
  const app = newApp(cdk.context);
  const stack = new Stack(app, 'PodIdentityMigrator', { suppressTemplateIndentation: true });
  new PodIdentityMigrator(stack, 'Default', PROPS).createOutputs();
  const { hub } = synthesised({});
  const ids = (template: object): string[] =>
    Object.keys(template)
      .map((id) => id.replace(/^(ApiRestApiDeployment\w{8})\w+$/, '$1'))
      .toSorted();
  const own = Template.fromStack(stack).toJSON() as { Resources: object; Outputs: object };
  expect([ids(own.Resources), own.Outputs]).toEqual([ids(hub.Resources), hub.Outputs]);
});

describe("hub in a user's stack", () => {
  const app = newApp();
  const stack = new Stack(app, 'Platform');
  const queue = new sqs.Queue(stack, 'Queue');
  const migrator = new PodIdentityMigrator(stack, 'Migrator', PROPS);
  const resources = resourcesOf(stack);

  it('adds its resources, and no output, parameter or protection', () => {
    const template = Template.fromStack(stack).toJSON() as Record<string, object>;
    expect(Object.keys(template['Parameters'] ?? {})).toEqual(['BootstrapVersion']);
    expect(template['Outputs']).toBeUndefined();
    expect(stack.terminationProtection).not.toBe(true);
    const { hub } = synthesised({});
    expect(typesOf(resources)).toEqual([...typesOf(hub.Resources), 'AWS::SQS::Queue'].toSorted());
    const own = Object.keys(resources).filter((id) => !id.startsWith('Migrator'));
    expect(own).toEqual([stack.getLogicalId(queue.node.defaultChild as sqs.CfnQueue)]);
  });

  it('has the same resources under each id, with whichever flags the app has', () => {
    const other = new Stack(newApp(cdk.context), 'Platform');
    expect(new PodIdentityMigrator(other, 'Migrator', PROPS).node.path).toBe(migrator.node.path);
    const { [stack.getLogicalId(queue.node.defaultChild as sqs.CfnQueue)]: _, ...hub } = resources;
    expect(hub).toEqual(resourcesOf(other));
  });

  it('names its API after the stack and its id', () => {
    const [api] = Object.values(resources).filter(({ Type }) => Type === 'AWS::ApiGateway::RestApi');
    expect(api!.Properties!['Name']).toBe('Platform-Migrator');
  });

  it('has its parts as properties', () => {
    const idOf = (type: string, part: string): string =>
      Object.entries(resources).find(([id, one]) => one.Type === type && id.startsWith(`Migrator${part}`))![0];
    const machine = (part: string): object => ({ Ref: idOf('AWS::StepFunctions::StateMachine', part) });
    const resolve = (value: unknown): unknown => stack.resolve(value);
    expect(resolve(migrator.migrateAddon.stateMachineArn)).toEqual(machine('MigrateAddon'));
    expect(resolve(migrator.recover.stateMachineArn)).toEqual(machine('Recover'));
    expect(resolve(migrator.sweep.stateMachineArn)).toEqual(machine('Sweep'));
    expect(migrator.retire).toBeUndefined();
    expect(migrator.key).toBeUndefined();
    expect(resolve(migrator.table.tableName)).toEqual({ Ref: idOf('AWS::DynamoDB::Table', 'Ledger') });
    expect(resolve(migrator.bucket.bucketName)).toEqual({ Ref: idOf('AWS::S3::Bucket', 'Sweeps') });
    expect(resolve(migrator.runbookName)).toEqual({ Ref: idOf('AWS::SSM::Document', 'Runbook') });
    expect(JSON.stringify(resolve(migrator.apiUrl))).toContain('execute-api');
    const { read, restart, annotate } = migrator.kubernetesRoleArns;
    expect(read.length).toBe(12);
    expect(resolve(restart)).toEqual([{ 'Fn::GetAtt': [idOf('AWS::IAM::Role', 'StepsRestartPodsRole'), 'Arn'] }]);
    expect(resolve(annotate)).toEqual([
      { 'Fn::GetAtt': [idOf('AWS::IAM::Role', 'StepsAnnotateServiceAccountRole'), 'Arn'] },
    ]);
  });

  it('has the optional parts that its properties ask for, without a finding of cdk-nag that is not acknowledged', () => {
    const own = newApp();
    const all = new PodIdentityMigrator(new Stack(own, 'Platform'), 'Migrator', {
      ...PROPS,
      customerKey: true,
      repairableRoleArns: PROPS.passableRoleArns,
    });
    expect(all.retire).toBeDefined();
    expect(all.key).toBeDefined();
    expect(nagFindingsOf(own).filter((finding) => finding.includes(all.node.path))).toEqual([]);
  });

  it('has no part that its properties switch off, and warns of an app whose policies the CDK does not minimize', () => {
    const warningsAt = ({ node }: PodIdentityMigrator): string[] =>
      node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data));
    const deploy = { api: false, runbook: false, denialRule: false };
    const least = new PodIdentityMigrator(new Stack(newApp({}), 'Own'), 'Migrator', { ...PROPS, deploy });
    expect([least.apiUrl, least.runbookName]).toEqual([undefined, undefined]);
    expect(warningsAt(least)).toEqual([containing(`Set "${MINIMIZE}": true under "context" in cdk.json.`)]);
    expect(warningsAt(migrator)).toEqual([]);
  });

  it.each([
    ['PodIdentityMigrator', 'PodIdentityMigrator-*'],
    // CloudFormation shortens the name of the queue.
    ['platform-production-eu-west-1-add-ons', 'platform-production-*'],
  ])('lets the queue of a stack %s use its key', (name, pattern) => {
    const own = new Stack(newApp(), name);
    const { key } = new PodIdentityMigrator(own, 'Migrator', { ...PROPS, customerKey: true });
    expect(JSON.stringify(own.resolve((key!.node.defaultChild as kms.CfnKey).keyPolicy))).toContain(`:${pattern}"`);
    const nested = new NestedStack(new Stack(newApp(), 'Parent'), 'Nested');
    expect(queuePrefix(nested)).toBe('');
  });
});

describe('several hubs', () => {
  it('in an app keep their settings apart, and read no context', () => {
    const app = newApp({ passableRoleArns: PROPS.passableRoleArns, [MINIMIZE]: true, logLevel: 'DEBUG' });
    const [one, two] = ['one', 'two'].map((name) => {
      const stack = new Stack(app, name);
      const hub = new PodIdentityMigrator(stack, 'Migrator', { ...PROPS, passableRoleArns: [`role/${name}/*`] });
      expect(hub.createOutputs().every((output) => output instanceof CfnOutput)).toBe(true);
      return stack;
    }) as [Stack, Stack];
    const { passableRoleArns: _, ...rest } = PROPS;
    expect(() => new PodIdentityMigrator(new Stack(app, 'None'), 'None', rest as PodIdentityMigratorProps)).toThrow(
      /passableRoleArns/,
    );
    expect(app.node.tryRemoveChild('None')).toBe(true);
    expect(JSON.stringify(resourcesOf(one))).not.toContain('"POWERTOOLS_LOG_LEVEL":"DEBUG"');
    // The outputs of the service's own stack, on request.
    expect(Object.keys(Template.fromStack(one).toJSON()['Outputs'] as object).toSorted()).toEqual(
      Object.keys(synthesised({}).hub.Outputs).toSorted(),
    );
    const contentOf = (stack: Stack): unknown => {
      const [layer] = Object.values(resourcesOf(stack)).filter(({ Type }) => Type === 'AWS::Lambda::LayerVersion');
      return (layer!.Properties!['Content'] as { S3Key: string }).S3Key;
    };
    expect(contentOf(one)).not.toBe(contentOf(two));
    expect(readdirSync(join(outdirs.get(app)!, '.settings')).length).toBe(2);
    const codeOf = (stack: Stack): Set<string> =>
      new Set(
        Object.values(resourcesOf(stack))
          .filter(
            ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties!['Handler'] !== 'index.handler',
          )
          .map(({ Properties }) => (Properties!['Code'] as { S3Key: string }).S3Key),
      );
    expect(codeOf(one)).toEqual(codeOf(two));
  });

  it('in a stack have the same resources; a boundary and an aspect change only one of them', () => {
    const stack = new Stack(newApp(), 'Both');
    const hub = (id: string, props: object): PodIdentityMigrator =>
      new PodIdentityMigrator(stack, id, { ...PROPS, customerKey: true, ...props });
    const [one, two] = [hub('HubOne', { permissionsBoundaryArn: 'policy/boundary' }), hub('HubTwo', {})];
    expect([one.key, two.key]).toEqual([expect.anything(), expect.anything()]);
    Aspects.of(one).add({
      visit: (node) => {
        if (node === one.bucket) one.bucket.applyRemovalPolicy(RemovalPolicy.DESTROY);
      },
    });
    const all = Object.entries(resourcesOf(stack));
    const [first, second] = ['HubOne', 'HubTwo'].map((prefix): Resources =>
      Object.fromEntries(all.filter(([id]) => id.startsWith(prefix))),
    ) as [Resources, Resources];
    expect(typesOf(first).length).toBeGreaterThan(280);
    expect(typesOf(first)).toEqual(typesOf(second));
    // Neither names a part of the other.
    expect(JSON.stringify(first)).not.toContain('HubTwo');
    expect(JSON.stringify(second)).not.toContain('HubOne');
    const ofType = (resources: Resources, type: string) => Object.values(resources).filter(({ Type }) => Type === type);
    expect(
      [first, second].map((resources) => [
        new Set(
          ofType(resources, 'AWS::IAM::Role').map((role) => role.Properties!['PermissionsBoundary'] !== undefined),
        ),
        ofType(resources, 'AWS::S3::Bucket')[0]!.DeletionPolicy,
      ]),
    ).toEqual([
      [new Set([true]), 'Delete'],
      [new Set([false]), 'Retain'],
    ]);
  });

  it('in a stage and in a nested stack have the same resources', () => {
    const app = newApp();
    const staged = new Stack(new Stage(app, 'Production'), 'Own');
    new PodIdentityMigrator(staged, 'Migrator', PROPS).createOutputs();
    const nested = new NestedStack(new Stack(app, 'Parent'), 'Nested');
    new PodIdentityMigrator(nested, 'Migrator', PROPS).createOutputs();
    expect(typesOf(resourcesOf(nested))).toEqual(typesOf(resourcesOf(staged)));
  });
});

describe('properties', () => {
  it('that are invalid throw as the construct is created, and name the construct', () => {
    const stack = new Stack(newApp(), 'Platform');
    const wrong = { ...PROPS, approvals: { requierd: true } } as PodIdentityMigratorProps;
    const message =
      /^The properties of the construct Platform\/\w+ are invalid\.[^]*\n {2}approvals\.requierd: is not a setting: did you mean approvals\.required\?$/;
    expect(() => new PodIdentityMigrator(stack, 'Migrator', wrong)).toThrow(message);
    const { lambdaDirectory: _, ...settings } = wrong;
    expect(() => new PodIdentityMigratorSpoke(stack, 'Spoke', settings)).toThrow(message);
  });

  it('include the folder of the Lambdas, except in the package', () => {
    const { lambdaDirectory: _, ...settings } = PROPS;
    expect(() => new PodIdentityMigrator(new Stack(newApp(), 'Platform'), 'Migrator', settings)).toThrow(
      /^lambdaDirectory must name the folder .* npm run build/,
    );
  });
});
