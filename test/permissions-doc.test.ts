/**
 * docs/permissions.md lists everything that the template allows, and cannot be generated for a template that allows
 * anything without a reason.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../lambdas/api/operations.ts';
import { accessOf, EXCEPTIONS } from '../scripts/permissions/actions.ts';
import { brokenClaims, CLAIMS } from '../scripts/permissions/claims.ts';
import { documentOf } from '../scripts/permissions/document.ts';
import { factsOf } from '../scripts/permissions/facts.ts';
import { lambdaName, SAMPLE } from '../scripts/permissions/names.ts';
import { synthesisedTemplate, type Template } from '../scripts/permissions/template.ts';
import { PERMISSIONS_FILE } from '../scripts/permissions.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: object;
}

const template = synthesisedTemplate();
const written = documentOf(factsOf(template));

const roleOf = ({ assembly }: Pick<Template, 'assembly'>, lambda: string) =>
  assembly.roles.find(({ arn }) =>
    assembly.functions.some((one) => one.roleArn === arn && lambdaName(one) === lambda),
  )!;
const statementsOf = (role: Template['assembly']['roles'][number]): Statement[] =>
  role.policies.flatMap(({ document }) => (document as { Statement: Statement[] }).Statement);
const machineRole = (of: Pick<Template, 'assembly'>, name: string) =>
  of.assembly.roles.find(({ logicalId }) => logicalId.startsWith(`${name}Role`))!;
const statementWith = (role: Template['assembly']['roles'][number], action: string): Statement =>
  statementsOf(role).find((one) => [one.Action].flat().includes(action))!;
/** Returns the document of the changed template; what is deployed without a setting stays as it is. */
const changed = (change: (copy: Omit<Template, 'without'>) => void): (() => string) => {
  const { without, ...rest } = template;
  const copy = { ...structuredClone(rest), without };
  change(copy);
  return () => documentOf(factsOf(copy));
};
const add = (lambda: string, statement: object) =>
  changed((copy) =>
    roleOf(copy, lambda).policies.push({ name: 'Added', document: { Version: '2012-10-17', Statement: [statement] } }),
  );
const ROLE = `arn:aws:iam::${SAMPLE.account}:role/someone`;

describe('docs/permissions.md', () => {
  it('matches the template', () =>
    expect(
      readFileSync(PERMISSIONS_FILE, 'utf8'),
      'docs/permissions.md is stale: run npm run permissions, and review the changes',
    ).toBe(written));

  it('has every action of every role, in its own section', () => {
    const sections = new Map(
      written
        .split(/^### /m)
        .slice(1)
        .map((text) => [text.split('\n')[0]!, text]),
    );
    const shared = sections.get('Every Lambda')!;
    for (const one of template.assembly.functions) {
      const actions = statementsOf(roleOf(template, lambdaName(one))).flatMap(({ Action: action }) => action);
      expect(actions.length).toBeGreaterThan(5);
      expect(actions.filter((action) => !(sections.get(lambdaName(one))! + shared).includes(`\`${action}\``))).toEqual(
        [],
      );
    }
    expect([...sections.keys()].filter((name) => / /.test(name))).toEqual([
      'Every Lambda',
      'EventBridge Scheduler',
      'EventBridge, for the rule RecoveryTriggersExecutionStopped',
      'SSM runbook',
      'State machine MigrateAddon',
      'State machine Recover',
      'State machine Retire',
      'State machine Sweep',
    ]);
  });

  it('has readable names in place of generated ones', () => {
    expect(written).not.toMatch(/111122223333|eu-west-1|PodIdentityMigrator(?!Spoke\b)|[a-z][0-9A-F]{8}\b/);
    expect(written).toContain('`arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE`');
    expect(written).toContain('each of `passableRoleArns`');
    expect(written).toContain('`arn:aws:states:REGION:ACCOUNT:execution:MigrateAddon:*`');
    expect(written).toContain('`arn:aws:kms:REGION:ACCOUNT:key/KEY`');
  });

  it('marks what is deployed only with repairableRoleArns, customerKey, or an optional part', () => {
    const rows = written
      .split('\n')
      .filter((line) => line.startsWith('| [') && line.includes('with `repairableRoleArns` |'));
    expect(rows.map((line) => /\[([\w-]+)\]/.exec(line)?.[1])).toEqual(['repair-trust', 'retire-trust']);
    expect(/### finish\n[\s\S]*?^\| `iam:GetRole` .* \| (.*) \|$/m.exec(written)?.[1]).toMatch(
      / \(only with `repairableRoleArns`\)$/,
    );
    expect(
      written.split('\n').filter((line) => line.startsWith('| `kms:') && !line.includes('(only with `customerKey`)')),
    ).toEqual([]);
    const needs = (section: string): string | undefined =>
      new RegExp(`### ${section}\\n\\n.*Deployed: (.*)\\.$`, 'm').exec(written)?.[1];
    expect([needs('api'), needs('diagnose-denial'), needs('SSM runbook'), needs('publish-events')]).toEqual([
      'with `deploy.api`',
      'with `deploy.denialRule`',
      'with `deploy.runbook`',
      'always',
    ]);
    expect(/### State machine Retire\n\n.*Deployed: (.*)\.$/m.exec(written)?.[1]).toBe('with `repairableRoleArns`');
  });

  it('has the policies of the queue, the table, the bucket, the topic, the event bus and the keys, and the principals that may invoke a Lambda', () => {
    const rows = written
      .split('## Resource policies')[1]!
      .split('\n')
      .filter((line) => line.startsWith('| the '));
    expect(new Set(rows.map((line) => /^\| (the (?:event )?\w+)/.exec(line)?.[1]))).toEqual(
      new Set(['the Lambda', 'the bucket', 'the event bus', 'the key', 'the queue', 'the table', 'the topic']),
    );
    expect(rows).toContain(
      '| the table LedgerTable | Deny | `*` | `dynamodb:*` | `aws:SecureTransport` Bool `false` | always |',
    );
    const deployed = (of: string): Set<string | undefined> =>
      new Set(rows.filter((line) => line.startsWith(`| ${of} |`)).map((line) => line.split(' | ').at(-1)));
    expect([
      deployed('the Lambda api'),
      deployed('the topic NotificationsTopic'),
      deployed('the key NotificationsKey'),
    ]).toEqual([
      new Set(['with `deploy.api` |']),
      new Set(['with `notifications.emails` |']),
      new Set(['without `customerKey` |']),
    ]);
  });

  it('has every operation of the API, and the subscribers of notifications', () => {
    const section = written.split('## The HTTP API')[1]!.split('\n## ')[0]!;
    for (const { method, path } of Object.values(OPERATIONS))
      expect(section).toContain(`| ${method} | \`${path}\` | [api](#api) |`);
    expect(written).toContain("go to the deployment's subscriptions, with protocol `email`");
  });

  it('names the states and the rule that call each Lambda', () => {
    const overview = (name: string): string => written.split('\n').find((line) => line.startsWith(`| [${name}]`))!;
    expect(overview('verify-pods')).toContain(
      '| MigrateAddon (ConfirmReady, VerifyPods, VerifyRestored), Recover (VerifyRestored) |',
    );
    expect(overview('api')).toContain('| API Gateway |');
    expect(overview('publish-events')).toContain(
      '| the rule PublishingExecutionEnded, the rule PublishingPublishEvents, every minute |',
    );
    expect(overview('find-stranded')).toContain('| the rule RecoveryTriggersFindStranded, every 5 minutes |');
  });

  it('is the same for a template in any order', () => {
    const reversed = changed(({ assembly }) => {
      for (const list of [assembly.roles, assembly.functions, assembly.stateMachines, assembly.rules]) list.reverse();
      for (const role of assembly.roles) {
        role.policies.reverse();
        for (const statement of statementsOf(role)) {
          for (const field of ['Action', 'Resource'] as const)
            statement[field] = [statement[field]].flat().toReversed();
        }
      }
    });
    expect(reversed()).toBe(written);
  });
});

describe('a template is refused', () => {
  it('that allows an action without a reason', () => {
    const statement = {
      Effect: 'Allow',
      Action: 'eks:DeleteAddon',
      Resource: `arn:aws:eks:*:${SAMPLE.account}:addon/*/*/*`,
    };
    expect(add('verify-pods', statement)).toThrow(
      'the template lets verify-pods do eks:DeleteAddon on arn:aws:eks:*:ACCOUNT:addon/*/*/*, and no grant says why',
    );
  });

  it('that allows an action on more resources than its reason covers', () => {
    const statement = { Effect: 'Allow', Action: 'iam:GetRole', Resource: `arn:aws:iam::${SAMPLE.account}:role/*` };
    expect(add('begin', statement)).toThrow(
      'the template lets begin do iam:GetRole on arn:aws:iam::ACCOUNT:role/*, and no grant says why',
    );
  });

  it('whose reason is missing', () => {
    const without = changed(({ reasons }) =>
      (reasons as Map<string, unknown>).set(
        'plan',
        reasons.get('plan')!.filter(({ action }) => action !== 'eks:ListAddons'),
      ),
    );
    expect(without).toThrow(
      'the template lets plan do eks:ListAddons on arn:aws:eks:*:ACCOUNT:cluster/*, and no grant says why',
    );
  });

  it('that does not allow what has a reason', () => {
    const without = changed((copy) => {
      const statement = statementWith(roleOf(copy, 'delete-addon'), 'eks:DeleteAddon');
      statement.Action = [statement.Action].flat().filter((action) => action !== 'eks:DeleteAddon');
    });
    expect(without).toThrow(
      /a grant says why delete-addon may do eks:DeleteAddon on \S+ \(".+"\), and the template does not let it/,
    );
  });

  it('that allows passing a role without its condition', () => {
    const without = changed((copy) => delete statementWith(roleOf(copy, 'create-addon'), 'iam:PassRole').Condition);
    expect(without).toThrow(
      /the template lets create-addon do iam:PassRole on each of passableRoleArns, and no grant says why[\s\S]*nobody may pass a role to a service other than EKS/,
    );
  });

  it('with an action whose access level is unknown, or that has a wildcard', () => {
    expect(
      add('plan', {
        Effect: 'Allow',
        Action: 'eks:DeleteCluster',
        Resource: `arn:aws:eks:*:${SAMPLE.account}:cluster/*`,
      }),
    ).toThrow('plan may eks:DeleteCluster, whose access level is not known');
    expect(add('plan', { Effect: 'Allow', Action: 'eks:*', Resource: '*' })).toThrow(
      'plan may eks:*, whose access level is not known',
    );
  });

  it('with every resource if IAM supports narrower ones', () =>
    expect(add('plan', { Effect: 'Allow', Action: 'eks:DescribeCluster', Resource: '*' })).toThrow(
      'plan may eks:DescribeCluster on every resource, although IAM knows narrower ones for it',
    ));

  it.each([
    { Effect: 'Deny', Action: 'iam:GetRole', Resource: ROLE },
    { Effect: 'Allow', NotAction: 'iam:GetRole', Resource: ROLE },
    { Effect: 'Allow', Action: 'iam:GetRole', NotResource: ROLE },
    { Effect: 'Allow', Action: 'iam:GetRole', Resource: ROLE, NotPrincipal: { AWS: ROLE } },
  ])('with a statement that does not fit the table: %o', (statement) =>
    expect(add('plan', statement)).toThrow("plan has the policy Added, which can't be shown as a table"),
  );

  it('with a managed policy from elsewhere', () =>
    expect(
      changed((copy) => roleOf(copy, 'plan').managedPolicyArns.push('arn:aws:iam::aws:policy/ReadOnlyAccess')),
    ).toThrow('plan has the managed policy arn:aws:iam::aws:policy/ReadOnlyAccess'));

  it('with a role that nothing uses', () =>
    expect(
      changed(({ assembly }) => assembly.roles.push({ ...assembly.roles[0]!, logicalId: 'Spare', arn: ROLE })),
    ).toThrow('the role Spare is used by no Lambda, state machine, rule or runbook'));

  it('with a role that the permissions boundary does not limit', () =>
    expect(changed((copy) => delete roleOf(copy, 'plan').permissionsBoundary)).toThrow(
      'plan does not have the permissions boundary that the deployment names',
    ));

  it('that allows a principal other than AWS to assume a role', () => {
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }],
    };
    expect(changed((copy) => (roleOf(copy, 'plan').trustPolicy = trust))).toThrow(/Principal/);
  });

  it('whose state machine may call a Lambda that its definition does not name, or calls another service directly', () => {
    const one = template.assembly.functions.find((each) => lambdaName(each) === 'plan')!;
    expect(
      changed((copy) =>
        [statementWith(machineRole(copy, 'Retire'), 'lambda:InvokeFunction')].map(
          (statement) => (statement.Resource = [statement.Resource, one.arn].flat()),
        ),
      ),
    ).toThrow(
      'the template lets state machine Retire do lambda:InvokeFunction on arn:aws:lambda:REGION:ACCOUNT:function:plan, and no grant says why',
    );
    const calling = changed(({ assembly }) =>
      Object.assign((assembly.stateMachines[0]!.definition as { States: object }).States, {
        Stop: { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:sfn:stopExecution', End: true },
      }),
    );
    expect(calling).toThrow(
      'the state Stop of MigrateAddon calls arn:aws:states:::aws-sdk:sfn:stopExecution by itself',
    );
  });

  it('whose API has a method without authorization', () =>
    expect(changed(({ assembly }) => void (assembly.apis![0]!.methods[0]!.authorization = 'NONE'))).toThrow(
      /the API's (GET|POST) \S+ is open to everybody/,
    ));

  it('with a resource policy that allows everyone, or a service in any context', () => {
    const allow = (Principal: unknown) =>
      changed(
        ({ resourcePolicies }) =>
          void (resourcePolicies[0]!.document = {
            Statement: [{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*', Principal }],
          }),
      );
    expect(allow('*')).toThrow(/lets `\*` do `kms:Decrypt` without a condition/);
    expect(allow({ Service: 'events.amazonaws.com' })).toThrow(
      /lets `events\.amazonaws\.com` do `kms:Decrypt` without a condition/,
    );
  });

  it('with a kind of resource that grants access and is not shown', () =>
    expect(changed(({ types }) => (types as string[]).push('AWS::EKS::AccessEntry'))).toThrow(
      'the template has AWS::EKS::AccessEntry, which this document does not show',
    ));
});

describe('the list of what no principal may do', () => {
  const broken = (action: string, resource: string, name = 'plan', condition = '', isLambda = true): string[] => {
    const right = { action, resource, condition };
    return CLAIMS.filter(({ isBroken }) => isBroken(right, { name, isLambda })).map(({ says }) => says);
  };
  const PASSED = '`iam:PassedToService` StringEquals `pods.eks.amazonaws.com`';
  const OWN_EVENTS =
    '`events:source` ForAllValues:StringEquals `pod-identity-migrator`, and `events:source` Null `false`';
  const SEALED = '`kms:EncryptionContext:aws:dynamodb:tableName` StringEquals `TABLE`';
  const cases: [action: string, resource: string, condition?: string][] = [
    ['iam:PutRolePolicy', 'arn:aws:iam::ACCOUNT:role/*'],
    ['iam:UpdateAssumeRolePolicy', 'each of repairableRoleArns'],
    ['iam:PassRole', 'each of passableRoleArns'],
    [
      'iam:PassRole',
      'each of passableRoleArns',
      '`iam:PassedToService` StringEquals `ec2.amazonaws.com` or `eks.amazonaws.com`',
    ],
    ['iam:PassRole', 'arn:aws:iam::ACCOUNT:role/*', PASSED],
    ['sts:AssumeRole', 'arn:aws:iam::ACCOUNT:role/x'],
    ['eks:CreateAccessEntry', 'arn:aws:eks:*:ACCOUNT:cluster/*'],
    ['eks:AccessKubernetesApi', 'arn:aws:eks:*:ACCOUNT:cluster/*'],
    ['eks:TagResource', 'arn:aws:eks:*:ACCOUNT:cluster/*'],
    ['eks:TagResource', 'arn:aws:eks:*:ACCOUNT:nodegroup/*/*/*'],
    ['states:StopExecution', 'arn:aws:states:REGION:ACCOUNT:execution:MigrateAddon:*'],
    ['states:StartExecution', 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon'],
    ['states:SendTaskSuccess', 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon'],
    ['events:PutEvents', 'arn:aws:events:REGION:ACCOUNT:event-bus/default'],
    ['events:PutEvents', 'arn:aws:events:REGION:ACCOUNT:event-bus/another', OWN_EVENTS],
    ['sns:Publish', 'arn:aws:sns:REGION:ACCOUNT:x'],
    ['execute-api:Invoke', 'arn:aws:execute-api:REGION:ACCOUNT:API/v1/POST/plans'],
    ['dynamodb:DeleteTable', 'arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE'],
    ['dynamodb:GetItem', 'arn:aws:dynamodb:REGION:ACCOUNT:table/another'],
    ['dynamodb:DeleteItem', 'arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE'],
    ['s3:GetObject', 'arn:aws:s3:::BUCKET/sweeps/*'],
    ['sqs:SendMessage', 'arn:aws:sqs:REGION:ACCOUNT:DEAD-LETTERS'],
    ['secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:REGION:ACCOUNT:secret:x'],
    ['kms:Decrypt', 'arn:aws:kms:REGION:ACCOUNT:key/x', SEALED],
    ['kms:Decrypt', 'arn:aws:kms:REGION:ACCOUNT:key/KEY'],
    ['kms:CreateGrant', 'arn:aws:kms:REGION:ACCOUNT:key/KEY', SEALED],
    ['ec2:DescribeInstances', '*'],
    ['ec2:CreateNetworkInterface', '*'],
    ['lambda:InvokeFunction', 'arn:aws:lambda:REGION:ACCOUNT:function:plan'],
    ['logs:GetLogEvents', 'arn:aws:logs:REGION:ACCOUNT:log-group:x:*'],
    ['eks:DescribeCluster', 'arn:aws:eks:*:*:cluster/*'],
  ];

  it.each(cases)('is contradicted by %s on %s %s', (action, resource, condition) => {
    expect(broken(action, resource, 'plan', condition)).toHaveLength(1);
    const right = { action, resource, condition: condition ?? '' };
    expect(brokenClaims([right], { name: 'plan', isLambda: true })).toEqual([
      expect.stringContaining(`plan may ${action} on ${resource}, but the document says that nobody may`),
    ]);
  });

  it('can be contradicted, each sentence of it', () =>
    expect(
      new Set(cases.flatMap(([action, resource, condition]) => broken(action, resource, 'plan', condition))).size,
    ).toBe(CLAIMS.length));

  it('is contradicted by a sweep that reaches beyond its own items, its own objects and its own executions', () => {
    const [table, sweeps] = [
      'arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE',
      '`dynamodb:LeadingKeys` ForAllValues:StringLike `SWEEP#*`, and `dynamodb:LeadingKeys` Null `false`',
    ];
    expect(broken('dynamodb:DeleteItem', table, 'dispatch-sweep', sweeps)).toEqual([]);
    const pace = sweeps.replace('SWEEP', 'PACE');
    expect(broken('dynamodb:UpdateItem', table, 'take-inventory', pace)).toEqual([]);
    for (const [action, who] of [
      ['PutItem', 'take-inventory'],
      ['UpdateItem', 'dispatch-sweep'],
    ] as const)
      expect(broken(`dynamodb:${action}`, table, who, pace), `${who} ${action}`).toHaveLength(1);
    for (const [action, who, condition] of [
      ['PutItem', 'dispatch-sweep', ''],
      ['UpdateItem', 'report-sweep', ''],
      ['PutItem', 'dispatch-sweep', sweeps.replace(/, and .*$/, '')],
      ['DeleteItem', 'begin-sweep', sweeps],
      ['DeleteItem', 'finish', sweeps],
    ] as const)
      expect(broken(`dynamodb:${action}`, table, who, condition), `${who} ${action}`).toHaveLength(1);
    for (const resource of ['arn:aws:s3:::BUCKET', 'arn:aws:s3:::BUCKET/sweeps/*'])
      expect(broken('s3:GetObject', resource, 'report-sweep')).toEqual([]);
    for (const [action, resource] of [
      ['GetObject', 'arn:aws:s3:::another/sweeps/*'],
      ['DeleteObject', 'arn:aws:s3:::BUCKET/sweeps/*'],
      ['GetObject', 'arn:aws:s3:::BUCKET/*'],
    ] as const)
      expect(broken(`s3:${action}`, resource, 'report-sweep'), `${action} ${resource}`).not.toEqual([]);
    const [machine, executions] = [
      'arn:aws:states:REGION:ACCOUNT:stateMachine:Sweep',
      'arn:aws:states:REGION:ACCOUNT:execution:Sweep:*',
    ];
    expect([
      ...broken('states:StopExecution', executions, 'state machine Sweep', '', false),
      ...broken('states:StartExecution', machine, 'start-sweep'),
    ]).toEqual([]);
    for (const who of ['dispatch-sweep', 'state machine Recover'])
      expect(broken('states:StopExecution', executions, who)).toHaveLength(1);
    expect(
      broken('sqs:SendMessage', 'arn:aws:sqs:REGION:ACCOUNT:DEAD-LETTERS', 'EventBridge Scheduler', '', false),
    ).toEqual([]);
  });

  it('allows tags of clusters only to the steps that create with tags, and to one of them only its own tag', () => {
    const tags = (name: string, condition = ''): number =>
      broken('eks:TagResource', 'arn:aws:eks:*:ACCOUNT:cluster/*', name, condition).length;
    const ours = '`aws:TagKeys` ForAllValues:StringEquals `pod-identity-migrator/migration`';
    expect(['create-addon', 'restore-addon', 'restore-associations'].map((name) => tags(name))).toEqual([0, 0, 0]);
    expect([tags('create-association', ours), tags('create-association'), tags('carry-over', ours)]).toEqual([0, 1, 1]);
  });

  it('does not contain what is allowed', () => {
    expect(broken('iam:UpdateAssumeRolePolicy', 'each of repairableRoleArns', 'repair-trust')).toEqual([]);
    expect(broken('iam:PassRole', 'each of passableRoleArns', 'create-addon', PASSED)).toEqual([]);
    expect(broken('kms:Decrypt', 'arn:aws:kms:REGION:ACCOUNT:key/KEY', 'plan', SEALED)).toEqual([]);
    expect(
      broken(
        'lambda:InvokeFunction',
        'arn:aws:lambda:REGION:ACCOUNT:function:plan',
        'state machine Recover',
        '',
        false,
      ),
    ).toEqual([]);
    expect(broken('ec2:DeleteNetworkInterface', '*', 'plan', '`lambda:SourceFunctionArn` Null `true`')).toEqual([]);
    expect(
      broken('states:StartExecution', 'arn:aws:states:REGION:ACCOUNT:stateMachine:Recover', 'find-stranded'),
    ).toEqual([]);
    expect(
      broken(
        'states:StopExecution',
        'arn:aws:states:REGION:ACCOUNT:execution:MigrateAddon:*',
        'SSM runbook',
        '',
        false,
      ),
    ).toEqual([]);
    for (const action of ['StartExecution', 'SendTaskSuccess', 'SendTaskFailure'])
      expect(broken(`states:${action}`, 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon', 'api')).toEqual([]);
    expect(
      broken('states:SendTaskFailure', 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon', 'find-stranded'),
    ).toEqual([]);
    expect(
      broken('states:StartExecution', 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon', 'diagnose-denial'),
    ).toEqual([]);
    for (const [action, who] of [
      ['StopExecution', 'api'],
      ['SendTaskSuccess', 'diagnose-denial'],
      ['SendTaskSuccess', 'find-stranded'],
    ] as const)
      expect(broken(`states:${action}`, 'arn:aws:states:REGION:ACCOUNT:stateMachine:MigrateAddon', who)).toHaveLength(
        1,
      );
    expect(
      broken('events:PutEvents', 'arn:aws:events:REGION:ACCOUNT:event-bus/default', 'publish-events', OWN_EVENTS),
    ).toEqual([]);
  });

  it('has a name and a reason for every permission on every resource', () => {
    expect(EXCEPTIONS.flatMap(({ actions }) => actions).filter((action) => accessOf(action) === undefined)).toEqual([]);
    expect(
      EXCEPTIONS.filter(
        ({ name, reason }) =>
          !written.split('\n').some((line) => line.startsWith(`| ${name} | `) && line.endsWith(`| ${reason} |`)),
      ),
    ).toEqual([]);
  });
});
