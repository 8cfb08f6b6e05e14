/**
 * What a deployment is told by the configuration file, what goes before it, and what is said of one that is not right.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { App } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createApp } from '../../lib/app.ts';
import { readConfig } from '../../lib/config.ts';
import { ConfigurationError, defaultFile } from '../../lib/config-file.ts';
import { settings, TOLD_EVENTS } from '../../lib/settings.ts';
import { DOCS_FILE, SCHEMA_FILE, schemaText, withTables } from '../../scripts/configuration.ts';
import { Deployment, lambdaDirectory, REQUIRED, type Template } from './definition.ts';

const scratch = mkdtempSync(join(tmpdir(), 'config-file-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const docs = readFileSync(DOCS_FILE, 'utf8');

let files = 0;
function fileWith(content: string | Uint8Array | object, ending = 'yaml'): string {
  files += 1;
  const file = join(scratch, `${files}.${ending}`);
  writeFileSync(file, typeof content === 'string' || content instanceof Uint8Array ? content : stringify(content));
  return file;
}
const ROLES = { passableRoleArns: ['role/eks-addons/*'] };
const read = (content: Parameters<typeof fileWith>[0], context: Record<string, unknown> = {}) =>
  readConfig(new App({ context: { config: fileWith(content), ...context } }).node);
/** All that is printed; empty where nothing is refused. Other errors than those for people are thrown on. */
function messageOf(content: Parameters<typeof fileWith>[0], context: Record<string, unknown> = {}): string {
  try {
    read(content, context);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.replaceAll(/\S+\/\d+\.yaml/g, 'FILE');
  }
  return '';
}
/** The message without its first line, which says where to look. */
function refusal(...given: Parameters<typeof messageOf>): string[] {
  const [first, ...lines] = messageOf(...given).split('\n');
  expect(first).toBe('The configuration is not right: docs/configuration.md says what each setting may be.');
  return lines;
}
const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:told';
const WINDOW = { schedule: '0 22 * * SUN', durationMinutes: 240, timeZone: 'Europe/Berlin' };

describe('the file', () => {
  it('may leave out all but the roles', () => {
    const config = read(ROLES);
    expect(config).toEqual({
      passableRoleArns: [expect.stringMatching(/:role\/eks-addons\/\*$/)],
      logLevel: 'INFO',
      deploy: { api: true, apiAccessLog: false, runbook: true, denialRule: true },
      accounts: [],
      sweeps: [],
      approvals: { required: false, approver: 'another-session' },
      notifications: { events: ['approval-needed', 'rolled-back', 'needs-human'] },
      denials: { action: 'notify', quietHours: 24 },
    });
    expect(read({ ...ROLES, customerKey: false })).toEqual(config);
    expect(readConfig(new App({ context: REQUIRED }).node)).toEqual(config);
  });

  it('has every setting in its group', () => {
    const given = {
      ...ROLES,
      $schema: 'docs/configuration.schema.json',
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
      notifications: { emails: ['a@example.com', 'b@example.com'], events: [...TOLD_EVENTS] },
      denials: { action: 'migrate', quietHours: 720 },
    };
    const { $schema: _, passableRoleArns, ...same } = given;
    expect(passableRoleArns).toHaveLength(1);
    for (const content of [given, JSON.stringify(given), JSON.stringify(given, null, '\t')]) {
      expect(read(content)).toMatchObject({ ...same, customerKey: { arn: given.customerKey } });
    }
    // Each setting of the schema was given but for two, which exclude others or are tested with the roles.
    expect(Object.keys(settings.shape).filter((name) => !Object.hasOwn(given, name))).toEqual(['repairableRoleArns']);
    expect(read({ ...ROLES, repairableRoleArns: ['role/x'], notifications: { topicArn: TOPIC } })).toMatchObject({
      repairableRoleArns: [expect.stringMatching(/:role\/x$/)],
      notifications: { topicArn: TOPIC },
    });
  });

  it('is named as it is from the current directory', () => {
    const file = relative(process.cwd(), fileWith(ROLES));
    expect(readConfig(new App({ context: { config: file } }).node).logLevel).toBe('INFO');
  });

  it("is the project's where none is named, unless there are two", () => {
    const folder = join(scratch, 'project');
    mkdirSync(folder);
    const levelWith = (context: Record<string, unknown>): string =>
      readConfig(new App({ context }).node, { configFolder: folder }).logLevel;
    expect(defaultFile(folder)).toBeUndefined();
    expect(() => levelWith({})).toThrow(/passableRoleArns: must name the roles/);
    writeFileSync(join(folder, 'pod-identity-migrator.json'), JSON.stringify({ ...ROLES, logLevel: 'ERROR' }));
    expect(levelWith({})).toBe('ERROR');
    expect(levelWith({ config: fileWith({ ...ROLES, logLevel: 'DEBUG' }) })).toBe('DEBUG');
    writeFileSync(join(folder, 'pod-identity-migrator.yaml'), stringify(ROLES));
    expect(() => levelWith({})).toThrow(
      new ConfigurationError(
        'There are two configuration files, pod-identity-migrator.yaml and pod-identity-migrator.json: remove one, or name the one that counts with -c config=FILE.',
      ),
    );
    expect(levelWith({ config: join(folder, 'pod-identity-migrator.json') })).toBe('ERROR');
  });

  it("is of no account to the sandbox's assembly, which has every role and everything", () => {
    const config = readConfig(
      new App({ context: { config: fileWith({ deploy: { api: false, runbook: false, denialRule: false } }) } }).node,
      { forEveryRole: true },
    );
    expect(config).toMatchObject({
      passableRoleArns: [expect.stringMatching(/:role\/\*$/)],
      repairableRoleArns: [expect.stringMatching(/:role\/\*$/)],
      deploy: { api: true, runbook: true, denialRule: true },
    });
  });

  it('decides whether the runbook is deployed', () => {
    const templateWith = (runbook: boolean): Deployment =>
      new Deployment(
        createApp({ lambdaDirectory, context: { config: fileWith({ ...ROLES, deploy: { runbook } }) } })
          .synth()
          .getStackByName('PodIdentityMigrator').template as Template,
      );
    const [without, beside] = [templateWith(false), templateWith(true)];
    expect(without.resourcesOf('AWS::SSM::Document')).toEqual([]);
    expect(without.template.Outputs).not.toHaveProperty('RunbookName');
    expect(without.resourcesOf('AWS::IAM::Role')).toHaveLength(beside.resourcesOf('AWS::IAM::Role').length - 1);
    expect(beside.resourcesOf('AWS::SSM::Document')).toHaveLength(1);
    expect(beside.template.Outputs).toHaveProperty('RunbookName');
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

  it('is told from the file where something is wrong', () => {
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
    ]);
  });

  it.each([
    ['passableRolesArns', 'is no setting: did you mean passableRoleArns?'],
    ['passable-role-arns', 'is no setting: did you mean passableRoleArns?'],
    ['customerkey', 'is no setting: did you mean customerKey?'],
    ['logLevle', 'is no setting: did you mean logLevel?'],
    ['Config', 'is no setting: did you mean config?'],
    ['approvals.required', 'can be set in the configuration file alone: -c config=FILE'],
    ['accounts', 'can be set in the configuration file alone: -c config=FILE'],
  ])('refuses the key %s', (key, message) => {
    expect(refusal(ROLES, { [key]: 'true' })).toEqual([
      'Correct in the CDK context, in cdk.json under "context", or with -c key=value:',
      `  ${key}: ${message}`,
    ]);
  });

  it.each(['', 7, true, ['a.yaml']])('refuses %j as the name of a file', (config) => {
    expect(() => readConfig(new App({ context: { config } }).node)).toThrow(
      /key config must be the path of a configuration file: -c config=FILE\. docs\/configuration\.md/,
    );
  });
});

describe('a file that is not right', () => {
  it.each<[string, object, string[]]>([
    [
      'nothing',
      {},
      [
        "passableRoleArns: must name the roles that the service may hand to EKS and to pods, by ARN or by path: -c 'passableRoleArns=role/eks-addons/*'",
      ],
    ],
    [
      'text for a list',
      { passableRoleArns: 'role/a' },
      ['passableRoleArns: must be a list, or text with commas between on the command line'],
    ],
    ['every role', { passableRoleArns: ['role/*'] }, ['passableRoleArns.0: names every role']],
    [
      'half a network',
      { ...ROLES, network: { subnetIds: ['subnet-1a2b3c4d'] } },
      ['network.securityGroupIds: must name the security groups'],
    ],
    ['a misspelt group', { ...ROLES, aprovals: {} }, ['aprovals: is no setting: did you mean approvals?']],
    [
      'a misspelt setting',
      { ...ROLES, approvals: { approvers: 'anyone' } },
      ['approvals.approvers: is no setting: did you mean approvals.approver?'],
    ],
    [
      'a setting of the context',
      { ...ROLES, subnetIds: ['subnet-1a2b3c4d'] },
      ['subnetIds: is no setting: correct its spelling, or remove it'],
    ],
    ['a word for yes', { ...ROLES, deploy: { api: 'yes' } }, ['deploy.api: must be true or false']],
    [
      'no approver',
      { ...ROLES, approvals: { approver: 'nobody' } },
      ['approvals.approver: must be one of "anyone"|"another-session"|"another-role"'],
    ],
    [
      'an account as a number',
      { ...ROLES, accounts: [111122223333] },
      ['accounts.0: must be an AWS account id (12 digits), in quotes'],
    ],
    [
      'an account twice',
      { ...ROLES, accounts: ['111122223333', '111122223333'] },
      ['accounts: names one more than once'],
    ],
    [
      'a window that never opens',
      { ...ROLES, changeWindow: { ...WINDOW, schedule: '0 22 30 2 *' } },
      ['changeWindow.schedule: must open at least once in every year'],
    ],
    [
      'half a window',
      { ...ROLES, changeWindow: { schedule: '0 22 * * SUN' } },
      [
        'changeWindow.durationMinutes: must be a whole number of minutes from 15 to 10080',
        'changeWindow.timeZone: must be the name of a time zone in the IANA database, such as Europe/Berlin or UTC',
      ],
    ],
    [
      'a topic and addresses',
      { ...ROLES, notifications: { topicArn: TOPIC, emails: ['a@example.com'] } },
      [
        'notifications.emails: must be left out where there is a topicArn: subscribe them to that topic, or leave topicArn out',
      ],
    ],
    [
      'a FIFO topic',
      { ...ROLES, notifications: { topicArn: `${TOPIC}.fifo` } },
      ['notifications.topicArn: must be the ARN of a standard topic'],
    ],
    [
      'no address',
      { ...ROLES, notifications: { emails: ['platform'] } },
      ['notifications.emails.0: must be an e-mail address such as platform-team@example.com'],
    ],
    [
      'an event that is none',
      { ...ROLES, notifications: { events: ['done'] } },
      ['notifications.events.0: must be one of "started"'],
    ],
    ['no event', { ...ROLES, notifications: { events: [] } }, ['notifications.events: must name events: started']],
    [
      'a day without its hours',
      { ...ROLES, denials: { quietHours: 0.5 } },
      ['denials.quietHours: must be a whole number of hours from 1 to 720'],
    ],
    [
      'an action that is none',
      { ...ROLES, denials: { action: 'fix' } },
      ['denials.action: must be one of "notify"|"ask"|"migrate"'],
    ],
    ['a list for a group', { ...ROLES, approvals: [] }, ['approvals: must be a group of settings']],
    ['an empty group', { ...ROLES, deploy: null }, ['deploy: must be a group of settings']],
    [
      'much',
      { ...ROLES, logLevel: 1, accounts: {}, denials: { quietHours: 721 } },
      [
        'logLevel: must be one of "DEBUG"|"INFO"|"WARN"|"ERROR"',
        'accounts: must be a list of AWS account ids',
        'denials.quietHours: must be a whole number of hours from 1 to 720',
      ],
    ],
  ])('has %s: the message names each setting and what it must be', (_, content, problems) => {
    const [heading, ...lines] = refusal(content);
    expect(heading).toBe('Correct in the file FILE:');
    expect(lines.map((line, index) => line.slice(0, `  ${problems[index]}`.length))).toEqual(
      problems.map((problem) => `  ${problem}`),
    );
  });

  it.each<[string, string | Uint8Array, string]>([
    [
      'a setting twice',
      'logLevel: INFO\nlogLevel: DEBUG',
      "can't be taken: line 2, column 1 names a setting that stands there already. Remove one of the two",
    ],
    [
      'a setting twice in JSON',
      '{"logLevel": "INFO",\n "logLevel": "DEBUG"}',
      "can't be taken: line 2, column 2 names a setting that stands there already",
    ],
    ['no end', '{"passableRoleArns": ["hunter2"', "is neither JSON nor YAML: line 1, column 32 can't be read"],
    ['an indentation that is none', 'a:\n\t- hunter2', 'is neither JSON nor YAML: line 2, column 1'],
    [
      'a second document',
      'logLevel: INFO\n---\nlogLevel: DEBUG',
      "can't be taken: line 2, column 1 begins a second document",
    ],
    ['a tag', 'logLevel: !Ref hunter2', "can't be taken: line 1, column 11 has a tag (!)"],
    [
      'an alias',
      'passableRoleArns: &a [role/x]\nrepairableRoleArns: *a',
      "can't be taken: line 2, column 21 has an alias (*)",
    ],
    ['an alias of itself', '&a [*a]', "can't be taken: line 1, column 5 has an alias (*)"],
    ['a key that is a list', '? [hunter2]\n: 1', "can't be taken: line 1, column 3 has a key that is no name"],
    ['a key __proto__', '__proto__:\n  logLevel: DEBUG', 'has a key __proto__, which is no setting'],
    [
      'a key __proto__ further in',
      '{"deploy": {"__proto__": {"api": false}}}',
      'has a key __proto__, which is no setting',
    ],
    ['a list', '- hunter2', 'must hold settings by their names, such as passableRoleArns; '],
    ['one value', 'hunter2', 'must hold settings by their names, such as passableRoleArns; '],
    ['no text', new Uint8Array([0xff, 0xfe, 0x00]), 'is not text in UTF-8'],
    ['many brackets', '['.repeat(100_000), 'is nested too deeply to be read'],
    ['a megabyte and more', '#'.repeat(1_000_001), 'is larger than 1000000 bytes'],
  ])('has %s', (_, content, said) => {
    const message = messageOf(content);
    expect(message).toContain(`The configuration file FILE ${said}`);
    expect(message).toMatch(/\. docs\/configuration\.md says what each setting may be\.$/);
    expect(message).not.toContain('hunter2');
  });

  it.each([
    [
      'is not there',
      join(scratch, 'none.yaml'),
      'does not exist. Give its path in -c config=FILE as it is from the current directory',
    ],
    ['lies in a file', join(fileWith(ROLES), 'x.yaml'), 'does not exist'],
    ['is a folder', scratch, 'is no file. Give the path of a JSON or YAML file'],
    ['is a device', '/dev/zero', 'is no file'],
    ['has a name that is none', 'a\0b', "can't be read (ERR_INVALID_ARG_VALUE)"],
    ['has too long a name', 'x'.repeat(5000), "can't be read (ENAMETOOLONG)"],
  ])('%s', (_, config, said) => {
    const refuse = (): unknown => readConfig(new App({ context: { config } }).node);
    expect(refuse).toThrow(ConfigurationError);
    expect(refuse).toThrow(said);
    expect(refuse).toThrow('docs/configuration.md');
  });
});

describe('whatever stands in the file', () => {
  const SECRET = 'hunter2';
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(
        SECRET,
        `${SECRET}@example.com`,
        `role/${SECRET} `,
        `0 22 * * ${SECRET}`,
        `${SECRET},${SECRET}`,
        true,
        null,
        -1,
        1e300,
      ),
      tie('list'),
      tie('group'),
    ),
    list: fc.array(tie('any'), { maxLength: 3 }),
    group: fc.dictionary(
      fc.constantFrom(
        'api',
        'approver',
        'topicArn',
        'emails',
        'events',
        'schedule',
        'timeZone',
        'durationMinutes',
        'subnetIds',
        'securityGroupIds',
        'quietHours',
        'constructor',
        'toString',
      ),
      tie('any'),
      { maxKeys: 4 },
    ),
  })).any;
  const some = fc.dictionary(
    fc.constantFrom(...Object.keys(settings.shape), 'constructor', 'hasOwnProperty', ''),
    value,
    { maxKeys: 6 },
  );

  it('is taken or refused in words, which repeat no value', () => {
    const garbage = fc.oneof(
      some,
      fc.jsonValue({ maxDepth: 4 }).map((json) => ({ ...ROLES, logLevel: json, [SECRET.slice(0, 3)]: json })),
    );
    fc.assert(
      fc.property(garbage, fc.option(value, { nil: undefined }), (content, logLevel) => {
        const message = messageOf(content, logLevel === undefined ? {} : { logLevel, subnetIds: logLevel });
        expect(message).not.toContain(SECRET);
        expect(message).not.toMatch(/\n\s+at /);
        expect(message.length).toBeLessThan(20_000);
      }),
      { numRuns: 100 },
    );
  });

  it('is taken or refused in words where it is no YAML either', () => {
    const pieces = fc
      .array(
        fc.constantFrom(
          'logLevel',
          'passableRoleArns',
          ': ',
          '- ',
          '\n',
          '  ',
          '{',
          '}',
          '[',
          ']',
          '"',
          "'",
          '&a ',
          '*a',
          '!!binary ',
          '|',
          '>',
          '%YAML 1.1\n',
          '---\n',
          '<<',
          '? ',
          '#',
          '\t',
          '\u0000',
          '\ufeff',
          SECRET,
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(pieces, fc.string({ unit: 'binary' })), (content) => {
        expect(messageOf(content)).not.toMatch(/\n\s+at /);
        // A name that is not known is told, and a value that is text may have become one.
        expect(messageOf(content.replaceAll(/[:?]/g, ''))).not.toContain(SECRET);
      }),
      { numRuns: 100 },
    );
  });
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
    expect(readConfig(new App({ context: { config: file } }).node)).toMatchObject({
      approvals: { required: true, approver: 'another-role' },
      changeWindow: { ...WINDOW, waitAtMostHours: 336 },
      denials: { action: 'ask', quietHours: 24 },
    });
    const { template } = createApp({ lambdaDirectory, context: { config: file } })
      .synth()
      .getStackByName('PodIdentityMigrator');
    expect(Object.keys((template as Template).Resources).length).toBeGreaterThan(50);
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
