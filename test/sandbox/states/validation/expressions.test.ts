/**
 * Expressions that CreateStateMachine accepts or refuses. The cases and texts of the first two groups are answers of
 * AWS: floci-io/floci#2699, #2745 and #2786.
 */
import { describe, expect, test } from 'vitest';
import { diagnosticsOf, found, mapOf, passWith, type States, task } from './fixture.ts';
import { words } from '../../../words.ts';

const unsupported = (message: string, location = '/States/E/Output'): object => ({
  severity: 'ERROR',
  code: 'UNSUPPORTED_JSONATA_EXPRESSION',
  message,
  location,
});
const messagesOf = (expression: string): string[] =>
  diagnosticsOf(passWith({ v: `{% ${expression} %}` }))
    .filter(({ severity }) => severity === 'ERROR')
    .map(({ message }) => message);

describe('the missing context', () => {
  test.each([
    'phone',
    'phone[0].number',
    '-phone',
    'phone ? 1 : 2',
    '$states.input.a ? phone : 2',
    "phone & 'x'",
    'phone in $states.input.b',
    '$sum(phone)',
    'phone(1)',
    'phone ~> $string()',
    '[1..phone]',
    '(phone).other',
    '[phone, 1]',
    '{phone: 1}',
    '($x := phone; $x)',
    '$map($states.input.a, function($y){ phone })',
    '$count(phone[inner])',
    'phone.**.deeper',
    'phone + phone',
  ])('cannot be read by name: %s', (expression) =>
    expect(messagesOf(expression)).toEqual(["Reference to 'phone' at the top level is not supported."]),
  );

  test.each(['$', '$.phone', '$[0]', '$string($)', '$map($states.input.a, function($x){ $ })'])(
    'cannot be read as a whole: %s',
    (expression) => expect(messagesOf(expression)).toEqual(["Reference to '$' at the top level is not supported."]),
  );

  test.each(['$$', '$$.phone'])('cannot be read from its root: %s', (expression) =>
    expect(messagesOf(expression)).toEqual(["Reference to '$$' is not supported."]),
  );

  test.each([
    '$states.input.phone',
    '$states.input.a[0].phone',
    '$states.input.items[phone > 3]',
    '$phone',
    '$states.input.a^(phone)',
    "$states.input.a{'k': phone}",
    '$states.input.a.(phone)',
    '$states.input.a.$phone',
    '$states.input.a ~> $string()',
    "$states.input ~> |phone|{'b': 1}|",
    '**.phone',
    "{'k': 1}.phone",
    '$states.input.a[$ > 1]',
    'function($x){ $x.phone }',
    "'phone'",
    '1 + 1',
    '$now()',
    '$states.error',
    '$states',
  ])('is different in nested expressions: %s', (expression) => expect(messagesOf(expression)).toEqual([]));

  test('is reported with every name, once, with its location', () => {
    const location = '/States/E/Output/a/b[0]';
    expect(diagnosticsOf(passWith({ a: { b: ['{% aaa + bbb + aaa %}'] } }))).toEqual(
      ['aaa', 'bbb'].map((name) => unsupported(`Reference to '${name}' at the top level is not supported.`, location)),
    );
  });
});

describe('an expression that cannot be parsed', () => {
  test.each([
    ['a[1,2)', 'Expected "]", got ","'],
    ['"unterminated', 'String literal must be terminated by a matching quote'],
    ['1 +', 'Unexpected end of expression'],
    ['{"a":}', 'The symbol "}" cannot be used as a unary operator'],
    ['$x :=', 'Unexpected end of expression'],
    ['', 'Unexpected end of expression'],
  ])('is refused with the error of the parser: %s', (expression, message) =>
    expect(diagnosticsOf(passWith(`{% ${expression} %}`))).toEqual([
      { severity: 'ERROR', code: 'INVALID_JSONATA_EXPRESSION', message, location: '/States/E/Output' },
    ]),
  );

  test.each(['{% 1', '1 %}', ' {% 1 %}', '{% 1 %} ', ' {% 1 %} '])(
    'is also refused if it is half delimited: "%s"',
    (text) => expect(found(passWith({ v: text }))).toEqual(['SCHEMA_VALIDATION_FAILED at /States/E/Output/v']),
  );

  test.each(['100 %', '{', 'a {% b %} c', '{%%}'])(
    'does not include "%s", which is literal text or a whole expression',
    (text) => expect(found(passWith(text)).filter((code) => code.startsWith('SCHEMA'))).toEqual([]),
  );
});

describe('every field is validated', () => {
  const end = { Type: 'Succeed' };
  const PHONE = '{% phone %}';
  const choice = (rule: object) => ({ Type: 'Choice', Choices: [{ ...rule, Next: 'E' }], Default: 'E' });
  const parallel = (branch: object, more: object = {}) => ({
    Type: 'Parallel',
    ...more,
    Branches: [branch],
    End: true,
  });
  const caught = { ErrorEquals: ['States.ALL'], Output: { v: PHONE }, Next: 'F' };
  test.each<[string, States, string]>([
    ['Assign', { E: { Type: 'Pass', Assign: { v: PHONE }, End: true } }, 'E/Assign/v'],
    ['a condition', { C: choice({ Condition: '{% phone = 1 %}' }), E: end }, 'C/Choices[0]/Condition'],
    ['the Assign of a rule', { C: choice({ Condition: true, Assign: { v: PHONE } }), E: end }, 'C/Choices[0]/Assign/v'],
    ['Seconds', { E: { Type: 'Wait', Seconds: PHONE, End: true } }, 'E/Seconds'],
    ['Timestamp', { E: { Type: 'Wait', Timestamp: PHONE, End: true } }, 'E/Timestamp'],
    ['Cause', { E: { Type: 'Fail', Cause: PHONE } }, 'E/Cause'],
    ['Error', { E: { Type: 'Fail', Error: PHONE } }, 'E/Error'],
    ['the Output of Succeed', { E: { Type: 'Succeed', Output: PHONE } }, 'E/Output'],
    ['Arguments', { E: task({ Arguments: { Comment: PHONE }, End: true }) }, 'E/Arguments/Comment'],
    ['TimeoutSeconds', { E: task({ TimeoutSeconds: PHONE, End: true }) }, 'E/TimeoutSeconds'],
    ['a Catch', { E: task({ Catch: [caught], End: true }), F: end }, 'E/Catch[0]/Output/v'],
    ['Items', { M: mapOf({ I: end }, { Items: PHONE, End: true }) }, 'M/Items'],
    ['ItemSelector', { M: mapOf({ I: end }, { ItemSelector: { Next: PHONE }, End: true }) }, 'M/ItemSelector/Next'],
    ['MaxConcurrency', { M: mapOf({ I: end }, { MaxConcurrency: PHONE, End: true }) }, 'M/MaxConcurrency'],
    ['a state of a Map', { M: mapOf(passWith({ v: PHONE }), { End: true }) }, 'M/ItemProcessor/States/E/Output/v'],
    [
      'a state of a Parallel',
      { P: parallel({ StartAt: 'E', States: passWith(PHONE) }) },
      'P/Branches[0]/States/E/Output',
    ],
    [
      'the Arguments of a Parallel',
      { P: parallel({ StartAt: 'I', States: { I: end } }, { Arguments: PHONE }) },
      'P/Arguments',
    ],
  ])('%s', (_, states, location) =>
    expect(found(states)).toEqual([`UNSUPPORTED_JSONATA_EXPRESSION at /States/${location}`]),
  );

  test('all fields of a distributed Map', () => {
    const config = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' };
    const map = {
      ...mapOf({ I: end }, { End: true }, config),
      Items: undefined,
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        Arguments: { Key: '{% phone %}' },
        ReaderConfig: { InputType: 'JSON', MaxItems: '{% phone %}' },
      },
      ItemBatcher: { BatchInput: '{% phone %}', MaxItemsPerBatch: '{% phone %}' },
      ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Arguments: { Prefix: '{% phone %}' } },
      ToleratedFailurePercentage: '{% phone %}',
      ToleratedFailureCount: '{% phone %}',
    };
    expect(found({ M: JSON.parse(JSON.stringify(map)) as Record<string, unknown> })).toEqual(
      words`
        ToleratedFailurePercentage ToleratedFailureCount ItemReader/Arguments/Key ItemReader/ReaderConfig/MaxItems
        ItemBatcher/BatchInput ItemBatcher/MaxItemsPerBatch ResultWriter/Arguments/Prefix
      `.map((field) => `UNSUPPORTED_JSONATA_EXPRESSION at /States/M/${field}`),
    );
  });

  test('except for comments and names of states and errors', () => {
    const states = {
      E: task({
        Comment: '{% phone %}',
        Retry: [{ ErrorEquals: ['{% phone %}'] }],
        Catch: [{ ErrorEquals: ['{% phone %}'], Next: '{% phone %}' }],
        End: true,
      }),
      '{% phone %}': { Type: 'Succeed' },
    };
    expect(found(states)).toEqual([]);
  });
});

describe('members of $states', () => {
  const catching = (results: object): States => ({
    E: task({ Catch: [{ ErrorEquals: ['States.ALL'], ...results, Next: 'F' }], Next: 'F' }),
    F: { Type: 'Succeed' },
  });
  const UNSUPPORTED = 'UNSUPPORTED_JSONATA_EXPRESSION at';

  test('the result is defined where a Task, Map or Parallel produces its output', () => {
    const results = { Output: '{% $states.result %}', Assign: { v: '{% $states.result.Payload %}' } };
    const one = { StartAt: 'I', States: { I: { Type: 'Succeed' } } };
    expect(found({ E: task({ ...results, End: true }) })).toEqual([]);
    expect(found({ E: mapOf({ I: { Type: 'Succeed' } }, { ...results, End: true }) })).toEqual([]);
    expect(found({ E: { Type: 'Parallel', Branches: [one], ...results, End: true } })).toEqual([]);
  });

  test.each<[States, string]>([
    [{ E: { Type: 'Pass', Output: '{% $states.result %}', End: true } }, '/States/E/Output'],
    [{ E: { Type: 'Wait', Seconds: 1, Assign: { v: '{% $states.result %}' }, End: true } }, '/States/E/Assign/v'],
    [{ E: task({ Arguments: '{% $states.result %}', End: true }) }, '/States/E/Arguments'],
    [{ E: task({ TimeoutSeconds: '{% $states.result %}', End: true }) }, '/States/E/TimeoutSeconds'],
    [catching({ Output: '{% $states.result %}' }), '/States/E/Catch[0]/Output'],
    [
      { E: mapOf({ I: { Type: 'Succeed' } }, { ItemSelector: '{% $states.result %}', End: true }) },
      '/States/E/ItemSelector',
    ],
  ])('the result is undefined elsewhere: %j', (states, location) =>
    expect(found(states)).toEqual([`${UNSUPPORTED} ${location}`]),
  );

  test('the error is defined only in a Catch', () => {
    expect(
      found(catching({ Output: '{% $states.errorOutput %}', Assign: { v: '{% $states.errorOutput.Cause %}' } })),
    ).toEqual([]);
    for (const expression of [
      '$states.errorOutput',
      '[$states.errorOutput]',
      '$states.input.a[$states.errorOutput.Error]',
    ])
      expect(diagnosticsOf(passWith(`{% ${expression} %}`))).toEqual([
        unsupported("Field '$states.errorOutput' does not exist."),
      ]);
    expect(found({ E: task({ Output: '{% $states.errorOutput %}', End: true }) })).toEqual([
      `${UNSUPPORTED} /States/E/Output`,
    ]);
  });

  test('input and context are defined everywhere, and other names nowhere: AWS accepts them', () => {
    expect(found(passWith('{% [$states.input, $states.context.State.Name] %}'))).toEqual([]);
    expect(diagnosticsOf(passWith('{% $states.output %}'))).toMatchObject([
      { severity: 'WARNING', code: 'FAILS_AT_RUN_TIME_HERE' },
    ]);
  });
});

test('a certain failure at run time is a warning', () => {
  expect(diagnosticsOf(passWith("{% $eval('1') %}"))).toMatchObject([
    { severity: 'WARNING', message: 'Step Functions does not support $eval. Use $parse.' },
  ]);
  expect(found(passWith("{% $parse('1') %}"))).toEqual([]);
  const literal = (bytes: number): States => passWith({ text: 'x'.repeat(bytes), more: '{% $states.input %}' });
  expect(diagnosticsOf(literal(262_145))).toMatchObject([{ severity: 'WARNING', location: '/States/E/Output' }]);
  expect(found(literal(262_000))).toEqual([]);
});
