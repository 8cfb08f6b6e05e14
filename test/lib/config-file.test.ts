/** What a deployment is told by the configuration file, and what goes before it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ConfigurationError } from '../../lib/config-error.ts';
import { defaultFile } from '../../lib/config-file.ts';
import { settings, NOTIFIED_EVENTS } from '../../lib/settings.ts';
import { DOCS_FILE, SCHEMA_FILE, schemaText, withTables } from '../../scripts/configuration.ts';
import { configFiles, configOf, ROLES, TOPIC, WINDOW } from './config-files.ts';
import type { Deployment } from './definition.ts';
import { REQUIRED, synthesiseWith } from './synthesised.ts';
import { matching } from '../lambdas/matchers.ts';

const { folder: scratch, fileWith, read, refusal } = configFiles();
const docs = readFileSync(DOCS_FILE, 'utf8');

describe('the file', () => {
  it('may leave out all but the roles', () => {
    const config = read(ROLES);
    expect(config).toEqual({
      passableRoleArns: [matching(/:role\/eks-addons\/\*$/)],
      logLevel: 'INFO',
      deploy: { api: true, apiAccessLog: false, runbook: true, denialRule: true },
      accounts: [],
      roleGrants: [],
      rollbackClaimDays: 30,
      sweeps: [],
      approvals: { required: false, approver: 'another-role', allowUnknownRequester: false },
      notifications: { events: ['approval-needed', 'waiting', 'resumed', 'rolled-back', 'needs-human'] },
      denials: { action: 'notify', quietHours: 24 },
      waiting: { perPrincipal: 50, perDeployment: 200 },
      retirement: { leastSoakDays: 0 },
      reservedConcurrency: [],
    });
    expect([read({ ...ROLES, customerKey: false }), configOf(REQUIRED)]).toEqual([config, config]);
  });

  it('has every setting in its group', () => {
    const given = {
      ...ROLES,
      $schema: 'docs/configuration.schema.json',
      rollbackClaimDays: 7,
      permissionsBoundaryArn: 'arn:aws:iam::aws:policy/PowerUserAccess',
      customerKey: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd',
      network: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] },
      logLevel: 'WARN',
      alarmTopicArn: TOPIC,
      deploy: { api: false, runbook: false, denialRule: false },
      accounts: ['222233334444', '012345678901'],
      regions: ['eu-west-1', 'us-east-1'],
      sweeps: [
        {
          name: 'weekly',
          schedule: 'cron(0 6 ? * MON *)',
          timeZone: 'Europe/Berlin',
          request: { mode: 'plan', reason: 'weekly look' },
        },
      ],
      approvals: { required: true, approver: 'anyone' },
      changeWindow: { ...WINDOW, waitAtMostHours: 12 },
      notifications: { emails: ['a@example.com', 'b@example.com'], events: [...NOTIFIED_EVENTS] },
      denials: { action: 'migrate', quietHours: 720 },
      waiting: { perPrincipal: 1, perDeployment: 1000 },
      retirement: { leastSoakDays: 365 },
      reservedConcurrency: [{ step: 'api', executions: 20 }],
    };
    const { $schema: _, passableRoleArns, ...same } = given;
    expect(passableRoleArns).toHaveLength(1);
    for (const content of [given, JSON.stringify(given), JSON.stringify(given, null, '\t')]) {
      expect(read(content)).toMatchObject({ ...same, customerKey: { arn: given.customerKey } });
    }
    // Each setting of the schema was given but for those that exclude others or are tested with the roles.
    expect(Object.keys(settings.shape).filter((name) => !Object.hasOwn(given, name))).toEqual([
      'repairableRoleArns',
      'roleGrants',
    ]);
    expect(read({ ...ROLES, repairableRoleArns: ['role/x'], notifications: { topicArn: TOPIC } })).toMatchObject({
      repairableRoleArns: [matching(/:role\/x$/)],
      notifications: { topicArn: TOPIC },
    });
  });

  it('is named as it is from the current directory', () => {
    const file = relative(process.cwd(), fileWith(ROLES));
    expect(configOf({ config: file }).logLevel).toBe('INFO');
  });

  it("is the project's where none is named, unless there are two", () => {
    const folder = join(scratch, 'project');
    mkdirSync(folder);
    const levelWith = (context: Record<string, unknown>) => configOf(context, { configFolder: folder }).logLevel;
    expect(defaultFile(folder)).toBeUndefined();
    expect(() => levelWith({})).toThrow(/passableRoleArns: must name the roles/);
    writeFileSync(join(folder, 'pod-identity-migrator.json'), JSON.stringify({ ...ROLES, logLevel: 'ERROR' }));
    expect(levelWith({})).toBe('ERROR');
    expect(levelWith({ config: fileWith({ ...ROLES, logLevel: 'DEBUG' }) })).toBe('DEBUG');
    writeFileSync(join(folder, 'pod-identity-migrator.yaml'), stringify(ROLES));
    expect(() => levelWith({})).toThrow(
      new ConfigurationError(
        'There are two configuration files, pod-identity-migrator.yaml and pod-identity-migrator.json. Remove one, or name the one to use with -c config=FILE.',
      ),
    );
    expect(levelWith({ config: join(folder, 'pod-identity-migrator.json') })).toBe('ERROR');
  });

  it("is of no account to the sandbox's assembly, which has every role and everything", () => {
    const config = configOf(
      { config: fileWith({ deploy: { api: false, runbook: false, denialRule: false } }) },
      { forEveryRole: true },
    );
    expect(config).toMatchObject({
      passableRoleArns: [matching(/:role\/\*$/)],
      repairableRoleArns: [matching(/:role\/\*$/)],
      deploy: { api: true, runbook: true, denialRule: true },
    });
  });

  it('decides whether the runbook is deployed', () => {
    const templateWith = (runbook: boolean): Deployment => synthesiseWith({}, { deploy: { runbook } });
    const [without, including] = [templateWith(false), templateWith(true)];
    expect(without.resourcesOf('AWS::SSM::Document')).toEqual([]);
    expect(without.template.Outputs).not.toHaveProperty('RunbookName');
    expect(without.resourcesOf('AWS::IAM::Role')).toHaveLength(including.resourcesOf('AWS::IAM::Role').length - 1);
    expect(including.resourcesOf('AWS::SSM::Document')).toHaveLength(1);
    expect(including.template.Outputs).toHaveProperty('RunbookName');
  });
});

describe('the context', () => {
  it('goes before the file, setting by setting', () => {
    const content = {
      ...ROLES,
      logLevel: 'WARN',
      customerKey: true,
      network: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] },
    };
    expect(
      read(content, {
        logLevel: 'DEBUG',
        customerKey: 'false',
        subnetIds: 'subnet-1a2b3c4d,subnet-2a2b3c4d',
        passableRoleArns: 'arn:aws:iam::111122223333:role/x',
      }),
    ).toMatchObject({
      passableRoleArns: ['arn:aws:iam::111122223333:role/x'],
      logLevel: 'DEBUG',
      network: { subnetIds: ['subnet-1a2b3c4d', 'subnet-2a2b3c4d'], securityGroupIds: ['sg-0123456789abcdef0'] },
    });
    expect(read(content, { customerKey: 'false' })).not.toHaveProperty('customerKey');
    expect(read({}, REQUIRED).passableRoleArns).toHaveLength(1);
  });

  it('is told from the file where something is wrong', () =>
    expect(
      refusal(
        { ...ROLES, logLevel: 'LOUD', network: { subnetIds: ['x'], securityGroupIds: ['sg-0123456789abcdef0'] } },
        { securityGroupIds: 'default', alarmTopicArn: 'alarms' },
      ),
    ).toEqual([
      'Correct in the file FILE:',
      '  network.subnetIds.0: must be an ID such as subnet-0123456789abcdef0',
      '  logLevel: must be one of "DEBUG"|"INFO"|"WARN"|"ERROR"',
      'Correct in the CDK context, in cdk.json under "context", or with -c key=value:',
      '  securityGroupIds.0: must be an ID such as sg-0123456789abcdef0',
      '  alarmTopicArn: must be the ARN of a standard topic of SNS, in the region of the stack, such as arn:aws:sns:eu-west-1:111122223333:alarms',
    ]));

  it.each([
    ['passableRolesArns', 'is not a setting: did you mean passableRoleArns?'],
    ['passable-role-arns', 'is not a setting: did you mean passableRoleArns?'],
    ['customerkey', 'is not a setting: did you mean customerKey?'],
    ['logLevle', 'is not a setting: did you mean logLevel?'],
    ['Config', 'is not a setting: did you mean config?'],
    ['approvals.required', 'can be set only in the configuration file: -c config=FILE'],
    ['accounts', 'can be set only in the configuration file: -c config=FILE'],
  ])('refuses the key %s', (key, message) =>
    expect(refusal(ROLES, { [key]: 'true' })).toEqual([
      'Correct in the CDK context, in cdk.json under "context", or with -c key=value:',
      `  ${key}: ${message}`,
    ]),
  );

  it.each(['', 7, true, ['a.yaml']])('refuses %j as the name of a file', (config) =>
    expect(() => configOf({ config })).toThrow(
      /key config must be the path of a configuration file: -c config=FILE\. See docs\/configuration\.md/,
    ),
  );
});

describe('docs/configuration.md', () => {
  it('has the table of the sources, and its schema too: run node scripts/configuration.ts', () => {
    expect(withTables(docs)).toBe(docs);
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(schemaText());
  });

  it('explains every setting', () => {
    const rows = docs.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((row) => row.split(' | ').at(-1)!.length < 12)).toEqual([]);
  });

  it('shows a file that is synthesised', () => {
    const [, example = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(docs) ?? [];
    const file = fileWith(example);
    expect(configOf({ config: file })).toMatchObject({
      approvals: { required: true, approver: 'another-role', allowUnknownRequester: false },
      changeWindow: { ...WINDOW, waitAtMostHours: 336 },
      denials: { action: 'ask', quietHours: 24 },
    });
    const { template } = synthesiseWith({ config: file, passableRoleArns: undefined });
    expect(Object.keys(template.Resources).length).toBeGreaterThan(50);
  });

  it('shows the message that its example of a wrong file has', () => {
    const [, shown = ''] = /(Correct in the file production\.yaml:\n[\s\S]*?)\n\n/.exec(docs) ?? [];
    expect(refusal({ ...ROLES, approvals: { approver: 'nobody', requierd: true } })).toEqual(
      shown
        .replace('production.yaml', 'FILE')
        .split('\n')
        .map((line) => line.replace(/^ {4}/, '')),
    );
  });
});
