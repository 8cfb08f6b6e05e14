/** cdk-nag finds nothing that is not acknowledged where it is, in any deployment; and it looks. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, describe, expect, it } from 'vitest';
import { createApp } from '../../lib/app.ts';
import { lambdaDirectory, REQUIRED, SWITCHED_ON } from './definition.ts';

const scratch = mkdtempSync(join(tmpdir(), 'nag-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const network = { subnetIds: 'subnet-0123456789abcdef0', securityGroupIds: 'sg-0123456789abcdef0' };
const switchedOn = { config: join(scratch, 'switched-on.json') };
writeFileSync(
  switchedOn.config,
  JSON.stringify({
    ...SWITCHED_ON,
    sweeps: [{ name: 'weekly', schedule: 'rate(7 days)', request: { mode: 'inventory' } }],
  }),
);
const everything = {
  ...switchedOn,
  repairableRoleArns: ['role/eks-addons/*', 'role/x'],
  customerKey: true,
  permissionsBoundaryArn: 'policy/boundary',
  ...network,
};
const appWith = (context: Record<string, unknown>): App =>
  createApp({ lambdaDirectory, outdir: mkdtempSync(join(scratch, 'out-')), context: { ...REQUIRED, ...context } });
const stackOf = (app: App): Stack => {
  const stack = app.node.findChild('PodIdentityMigrator');
  if (!(stack instanceof Stack)) throw new Error('The app has no stack.');
  return stack;
};

/** Rule and construct of each finding. */
const findingsOf = (app: App): string[] =>
  [new AwsSolutionsChecks(app), new ServerlessChecks(app)].flatMap((pack) =>
    pack
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(
          ({ ...resource }) => `${ruleName} ${'constructPath' in resource ? String(resource.constructPath) : ''}`,
        ),
      ),
  );

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
  it.each([
    ['the default', {}],
    ['everything', everything],
    ['Lambdas in a VPC', network],
    ['an access log, and a topic that is made', switchedOn],
    [
      'a key that is there already',
      { customerKey: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
    ],
    ['whole roles', { passableRoleArns: 'arn:aws:iam::111122223333:role/x', repairableRoleArns: 'role/x' }],
  ])('finds nothing in a deployment with %s', (_, context) => {
    expect(findingsOf(appWith(context))).toEqual([]);
  });

  it("finds nothing in the sandbox's", () => {
    expect(
      findingsOf(createApp({ lambdaDirectory, outdir: mkdtempSync(join(scratch, 'out-')), everyRole: true })),
    ).toEqual([]);
  });

  it('finds a queue that is not sealed, and a right that is too wide, and stops the synthesis', () => {
    const app = appWith({});
    const queue = new sqs.Queue(stackOf(app), 'Open', { encryption: sqs.QueueEncryption.UNENCRYPTED });
    const policy = new iam.Policy(stackOf(app), 'Wide', {
      roles: [new iam.Role(stackOf(app), 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })],
    });
    policy.addStatements(new iam.PolicyStatement({ actions: ['eks:*'], resources: ['*'] }));
    const found = findingsOf(app);
    expect(found).toEqual(
      expect.arrayContaining([
        `AwsSolutions-SQS4 ${queue.node.path}/Resource`,
        `AwsSolutions-IAM5[Action::eks:*] ${policy.node.path}/Resource`,
        `AwsSolutions-IAM5[Resource::*] ${policy.node.path}/Resource`,
      ]),
    );
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).toThrow(/AwsSolutions-SQS4/);
  });

  it('finds another wildcard in a role that has some', () => {
    const app = appWith({});
    const role = stackOf(app).node.findChild('Steps').node.findChild('CreateAddon').node.findChild('Role');
    if (!(role instanceof iam.Role)) throw new Error('The step has no role.');
    role.addToPolicy(
      new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: ['arn:aws:iam::111122223333:role/*'] }),
    );
    expect(findingsOf(app)).toEqual([
      'AwsSolutions-IAM5[Resource::arn:aws:iam::111122223333:role/*] PodIdentityMigrator/Steps/CreateAddon/Role/DefaultPolicy/Resource',
    ]);
  });
});

describe('acknowledgements', () => {
  const app = appWith(everything);
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
        /^(?!.*IAM knows no resource for these actions\. ec2:).*their interfaces are made later; the functions' code may not use them\. ec2:\S.*, and not the function's code, makes /,
      );
  });

  it('acknowledge single findings of wildcards, never all of them', () => {
    expect(
      acknowledged
        .map(({ id }) => id)
        .filter((id) => /IAM5/.test(id) && !/AwsSolutions-IAM5\[Resource::.+\]$/.test(id)),
    ).toEqual([]);
  });

  it('are all of something that is there', () => {
    // Each without its acknowledgement would be a finding.
    const ids = new Set(acknowledged.map(({ id }) => id.replace(/^\w+::/, '')));
    for (const node of app.node.findAll()) {
      const kept = node.node.metadata.filter(({ type }) => type !== Validations.ACKNOWLEDGED_RULES_METADATA_KEY);
      Object.defineProperty(node.node, 'metadata', { value: kept });
    }
    const found = new Set(findingsOf(app).map((one) => one.slice(0, one.lastIndexOf(' '))));
    expect([...ids].filter((id) => !found.has(id))).toEqual([]);
  });
});

describe('bin/app.ts', () => {
  const run = (context: object) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../bin/app.ts')], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
      env: { ...process.env, CDK_OUTDIR: join(scratch, 'cdk.out'), CDK_CONTEXT_JSON: JSON.stringify(context) },
    });

  it('synthesises what the command line asks for', { timeout: 120_000 }, () => {
    const { status, stderr } = run(REQUIRED);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(readFileSync(join(scratch, 'cdk.out/PodIdentityMigrator.template.json'), 'utf8')).toContain(
      ':role/eks-addons/*',
    );
  });

  it('fails without named roles, and says what to set', { timeout: 120_000 }, () => {
    const { status, stderr } = run({});
    expect(status).not.toBe(0);
    expect(stderr).toContain('passableRoleArns: must name the roles');
  });

  it('has the rules looked at', () => {
    const source = readFileSync(join(import.meta.dirname, '../../bin/app.ts'), 'utf8');
    expect(source).toMatch(
      /addPlugins\(new AwsSolutionsChecks\(app\), new ServerlessChecks\(app\)\);\n\s*app\.synth\(\)/,
    );
  });
});
