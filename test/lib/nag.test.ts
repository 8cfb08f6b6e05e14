/** cdk-nag finds nothing that is not acknowledged where it is, in any deployment; and it looks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { DEFAULT, EVERYTHING } from './configurations.ts';
import { nagFindingsOf } from './nag.ts';
import { withApp } from './synthesised.ts';

const stackOf = (app: App): Stack => {
  const stack = app.node.findChild('PodIdentityMigrator');
  if (!(stack instanceof Stack)) throw new Error('The app has no stack.');
  return stack;
};

/** What is acknowledged where. */
const acknowledgedIn = (app: App): { at: IConstruct; id: string; reason: string }[] =>
  app.node
    .findAll()
    .flatMap((at) =>
      at.node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) =>
          Object.entries(data as Record<string, string>).map(([id, reason]) => ({ at, id, reason })),
        ),
    );

describe('cdk-nag', () => {
  // Every configuration is in configurations.grid.test.ts.
  it.each(Object.entries({ 'the default': DEFAULT, everything: EVERYTHING }))(
    'finds nothing in a deployment with %s',
    (_, one) => expect(withApp(one, nagFindingsOf)).toEqual([]),
  );

  it('finds a queue that is not sealed, and a right that is too wide, and stops the synthesis', () =>
    withApp(DEFAULT, (app) => {
      const queue = new sqs.Queue(stackOf(app), 'Open', { encryption: sqs.QueueEncryption.UNENCRYPTED });
      const policy = new iam.Policy(stackOf(app), 'Wide', {
        roles: [new iam.Role(stackOf(app), 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })],
      });
      policy.addStatements(new iam.PolicyStatement({ actions: ['eks:*'], resources: ['*'] }));
      expect(nagFindingsOf(app)).toEqual(
        expect.arrayContaining([
          `AwsSolutions-SQS4 ${queue.node.path}/Resource`,
          `AwsSolutions-IAM5[Action::eks:*] ${policy.node.path}/Resource`,
          `AwsSolutions-IAM5[Resource::*] ${policy.node.path}/Resource`,
        ]),
      );
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
      expect(() => app.synth()).toThrow(/AwsSolutions-SQS4/);
    }));

  it('finds another wildcard in a role that has some', () =>
    withApp(DEFAULT, (app) => {
      const role = ['Default', 'Steps', 'CreateAddon', 'Role'].reduce<IConstruct>(
        (scope, id) => scope.node.findChild(id),
        stackOf(app),
      );
      if (!(role instanceof iam.Role)) throw new Error('The step has no role.');
      role.addToPolicy(
        new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: ['arn:aws:iam::111122223333:role/*'] }),
      );
      expect(nagFindingsOf(app)).toEqual([
        'AwsSolutions-IAM5[Resource::arn:aws:iam::111122223333:role/*] PodIdentityMigrator/Default/Steps/CreateAddon/Role/DefaultPolicy/Resource',
      ]);
    }));
});

describe('acknowledgements', () => {
  // Its rules are read of the constructs: it needs no folder.
  const app = withApp(EVERYTHING, (made) => made);
  const acknowledged = acknowledgedIn(app);

  it('stand at a role, a policy, a function or the queue, never at something wider', () => {
    expect(acknowledged.length).toBeGreaterThan(50);
    for (const { at, id } of acknowledged) {
      const resources = at.node
        .findAll()
        .filter((child) => CfnResource.isCfnResource(child))
        .map((child) => child.cfnResourceType);
      expect(new Set(resources).size, `${id} at ${at.node.path}: ${resources.join(', ')}`).toBeLessThanOrEqual(2);
      expect(at).not.toBeInstanceOf(Stack);
    }
  });

  it('have a reason in a sentence', () => {
    for (const { id, reason } of acknowledged) expect(reason, `of ${id}`).toMatch(/^[A-Z].{20,}\.$/);
  });

  it('of rights that EC2 knows resources for do not say that there are none', () => {
    const every = acknowledged.filter(({ id }) => id.endsWith('AwsSolutions-IAM5[Resource::*]'));
    const ofEc2 = every.filter(({ reason }) => reason.includes('ec2:'));
    expect(ofEc2.length).toBeGreaterThan(4);
    expect(ofEc2.length).toBeLessThan(every.length);
    for (const { reason } of ofEc2)
      expect(reason).toMatch(
        /^(?!.*These actions do not support resource-level permissions\. ec2:).*the network interfaces are created later; the functions' code may not use them\. ec2:\S.*, and not the function's code, creates /,
      );
  });

  it('acknowledge single findings of wildcards, never all of them', () =>
    expect(
      acknowledged
        .map(({ id }) => id)
        .filter((id) => /IAM5/.test(id) && !/AwsSolutions-IAM5\[Resource::.+\]$/.test(id)),
    ).toEqual([]));

  it('are all of something that is there', () => {
    // Each without its acknowledgement would be a finding.
    const ids = new Set(acknowledged.map(({ id }) => id.replace(/^\w+::/, '')));
    for (const node of app.node.findAll()) {
      const kept = node.node.metadata.filter(({ type }) => type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY);
      Object.defineProperty(node.node, 'metadata', { value: kept });
    }
    const found = new Set(nagFindingsOf(app).map((one) => one.slice(0, one.lastIndexOf(' '))));
    expect([...ids].filter((id) => !found.has(id))).toEqual([]);
  });
});

it('bin/app.ts has the rules looked at', () => {
  const source = readFileSync(join(import.meta.dirname, '../../bin/app.ts'), 'utf8');
  expect(source).toMatch(
    /synthesise\([^;]+prepare: \(app\) => Validations\.of\(app\)\.addPlugins\(new AwsSolutionsChecks\(app\), new ServerlessChecks\(app\)\),\n {2}\}\);/,
  );
});
