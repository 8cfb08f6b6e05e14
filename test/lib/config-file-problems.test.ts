/** What is said of a configuration file that is not right. */
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/config-error.ts';
import { settings } from '../../lib/settings.ts';
import { configFiles, configOf, ROLES, TOPIC, WINDOW } from './config-files.ts';
import { patternsOf } from './configurations.ts';
import { codePoint } from '../code-points.ts';
import { words } from '../words.ts';
import { forAllIn } from '../for-all.ts';

const { folder: scratch, fileWith, messageOf, refusal } = configFiles();

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
      'a former field of accept',
      {
        ...ROLES,
        sweeps: [
          {
            name: 'weekly',
            schedule: 'rate(7 days)',
            request: { mode: 'plan', options: { acceptOwners: ['ack'], acceptImages: [] } },
          },
        ],
      },
      [
        'sweeps.0.request.options.acceptOwners: was replaced by accept: write "accept": ["owner:ack"]',
        'sweeps.0.request.options.acceptImages: was replaced by accept: leave it out',
      ],
    ],
    [
      'text for a list',
      { passableRoleArns: 'role/a' },
      ['passableRoleArns: must be a list, or text with commas between on the command line'],
    ],
    [
      'too many patterns',
      { passableRoleArns: patternsOf(101, 'passed'), repairableRoleArns: patternsOf(101, 'repaired') },
      [
        'passableRoleArns: must have at most 100 patterns: cover several roles by one with a wildcard',
        'repairableRoleArns: must have at most 100 patterns: cover several roles by one with a wildcard',
      ],
    ],
    [
      'what is reserved for no step, and twice',
      {
        ...ROLES,
        reservedConcurrency: [
          { step: 'api', executions: 0 },
          { step: 'api', executions: 5 },
          { step: 'everything', executions: 5 },
        ],
      },
      [
        'reservedConcurrency.0.executions: must be a whole number from 1 to 1000',
        'reservedConcurrency.2.step: must be the name of a step, such as api or plan: docs/permissions.md has all of them',
      ],
    ],
    ['every role', { passableRoleArns: ['role/*'] }, ['passableRoleArns.0: matches every role']],
    [
      'half a network',
      { ...ROLES, network: { subnetIds: ['subnet-1a2b3c4d'] } },
      ['network.securityGroupIds: must name the security groups'],
    ],
    ['a misspelt group', { ...ROLES, aprovals: {} }, ['aprovals: is not a setting: did you mean approvals?']],
    [
      'a misspelt setting',
      { ...ROLES, approvals: { approvers: 'anyone' } },
      ['approvals.approvers: is not a setting: did you mean approvals.approver?'],
    ],
    [
      'a setting of the context',
      { ...ROLES, subnetIds: ['subnet-1a2b3c4d'] },
      ['subnetIds: is not a setting: correct its spelling, or remove it'],
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
    ['one twice', { ...ROLES, accounts: ['111122223333', '111122223333'] }, ['accounts: names one more than once']],
    [
      'a window that never opens',
      { ...ROLES, changeWindow: { ...WINDOW, schedule: '0 22 30 2 *' } },
      ['changeWindow.schedule: must open at least once every year'],
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
      'is not valid: line 2, column 1 repeats a setting. Remove one of the two',
    ],
    [
      'a setting twice in JSON',
      '{"logLevel": "INFO",\n "logLevel": "DEBUG"}',
      'is not valid: line 2, column 2 repeats a setting',
    ],
    ['no end', '{"passableRoleArns": ["hunter2"', 'is neither JSON nor YAML: line 1, column 32 cannot be read'],
    ['an indentation that is none', 'a:\n\t- hunter2', 'is neither JSON nor YAML: line 2, column 1'],
    [
      'a second document',
      'logLevel: INFO\n---\nlogLevel: DEBUG',
      'is not valid: line 2, column 1 begins a second document',
    ],
    ['a tag', 'logLevel: !Ref hunter2', 'is not valid: line 1, column 11 has a tag (!)'],
    [
      'an alias',
      'passableRoleArns: &a [role/x]\nrepairableRoleArns: *a',
      'is not valid: line 2, column 21 has an alias (*)',
    ],
    ['an alias of itself', '&a [*a]', 'is not valid: line 1, column 5 has an alias (*)'],
    ['a key that is a list', '? [hunter2]\n: 1', 'is not valid: line 1, column 3 has a key that is not the name'],
    ['a key __proto__', '__proto__:\n  logLevel: DEBUG', 'has a key __proto__, which is not a setting'],
    ['a deep __proto__', '{"deploy": {"__proto__": {"api": false}}}', 'has a key __proto__, which is not a setting'],
    ['a list', '- hunter2', 'must have settings by name, such as passableRoleArns, but '],
    ['one value', 'hunter2', 'must have settings by name, such as passableRoleArns, but '],
    ['no text', new Uint8Array([0xff, 0xfe, 0x00]), 'is not text in UTF-8'],
    ['many brackets', '['.repeat(100_000), 'is nested too deeply to be read'],
    ['a megabyte and more', '#'.repeat(1_000_001), 'is larger than 1000000 bytes'],
  ])('has %s', (_, content, said) => {
    const message = messageOf(content);
    expect(message).toContain(`The configuration file FILE ${said}`);
    expect(message).toMatch(/\. See docs\/configuration\.md for the allowed values of each setting\.$/);
    expect(message).not.toContain('hunter2');
  });

  it.each([
    [
      'is not there',
      join(scratch, 'none.yaml'),
      'does not exist. Pass its path relative to the current directory: -c config=FILE',
    ],
    ['lies in a file', join(fileWith(ROLES), 'x.yaml'), 'does not exist'],
    ['is a folder', scratch, 'is not a regular file. Pass the path of a JSON or YAML file'],
    ['is a device', '/dev/zero', 'is not a regular file'],
    ['has a name that is none', 'a\0b', 'cannot be read (ERR_INVALID_ARG_VALUE)'],
    ['has too long a name', 'x'.repeat(5000), 'cannot be read (ENAMETOOLONG)'],
  ])('%s', (_, config, said) => {
    const refuse = (): unknown => configOf({ config });
    expect(refuse).toThrow(ConfigurationError);
    expect(refuse).toThrow(said);
    expect(refuse).toThrow('docs/configuration.md');
  });
});

describe('any content of the file', () => {
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
        ...words`
        api approver topicArn emails events schedule timeZone durationMinutes subnetIds securityGroupIds
        quietHours constructor toString
      `,
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

  it('is accepted, or refused with a message that repeats no value', () => {
    const garbage = fc.oneof(
      some,
      fc.jsonValue({ maxDepth: 4 }).map((json) => ({ ...ROLES, logLevel: json, [SECRET.slice(0, 3)]: json })),
    );
    forAllIn(100, garbage, fc.option(value, { nil: undefined }), (content, logLevel) => {
      const message = messageOf(content, logLevel === undefined ? {} : { logLevel, subnetIds: logLevel });
      expect(message).not.toContain(SECRET);
      expect(message).not.toMatch(/\n\s+at /);
      expect(message.length).toBeLessThan(20_000);
    });
  });

  it('is accepted, or refused with a message, even if it is not YAML', () => {
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
    forAllIn(100, fc.oneof(pieces, fc.string({ unit: codePoint })), (content) => {
      expect(messageOf(content)).not.toMatch(/\n\s+at /);
      // A name that is not known is told, and a value that is text may have become one.
      expect(messageOf(content.replaceAll(/[:?]/g, ''))).not.toContain(SECRET);
    });
  });
});
