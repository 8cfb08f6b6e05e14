import { describe, expect, test } from 'vitest';
import { compile, PatternError } from '../../../sandbox/events/pattern.ts';

const event = {
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  resources: ['arn:one', 'arn:two'],
  detail: { status: 'FAILED', error: 'Lambda.Unknown', redriveCount: 0, output: null, stateMachineArn: 'arn:machine' },
};
const matches = (pattern: Record<string, unknown>): boolean => compile(pattern)(event);

describe('a pattern', () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    ['an exact value', { source: ['aws.states'] }, true],
    ['one of several', { detail: { status: ['ABORTED', 'FAILED'] } }, true],
    ['another value', { detail: { status: ['ABORTED'] } }, false],
    ['a number', { detail: { redriveCount: [0] } }, true],
    ['null', { detail: { output: [null] } }, true],
    ['null for a missing field', { detail: { nothing: [null] } }, false],
    ['a number as a string', { detail: { redriveCount: ['0'] } }, false],
    ['all fields', { source: ['aws.states'], detail: { status: ['RUNNING'] } }, false],
    ['one item of a list', { resources: ['arn:two'] }, true],
    ['a prefix', { resources: [{ prefix: 'arn:t' }] }, true],
    ['another prefix', { source: [{ prefix: 'aws.eks' }] }, false],
    ['anything but one', { detail: { error: [{ 'anything-but': 'Blocked' }] } }, true],
    ['anything but a list', { detail: { error: [{ 'anything-but': ['Blocked', 'Lambda.Unknown'] }] } }, false],
    ['anything but a prefix', { detail: { error: [{ 'anything-but': { prefix: 'Lambda.' } }] } }, false],
    ['anything but, for a missing field', { detail: { nothing: [{ 'anything-but': ['Blocked'] }] } }, false],
    ['an existing field', { detail: { error: [{ exists: true }] } }, true],
    ['a missing field', { detail: { nothing: [{ exists: false }] } }, true],
    ['a field within a missing field', { nothing: { status: [{ exists: false }] } }, true],
    ['one of two alternatives', { $or: [{ source: ['aws.eks'] }, { detail: { status: ['FAILED'] } }] }, true],
    ['none of two alternatives', { detail: { $or: [{ status: ['ABORTED'] }, { error: ['Blocked'] }] } }, false],
    [
      'alternatives that ignore other fields',
      { source: ['aws.eks'], $or: [{ detail: { status: ['FAILED'] } }, { 'detail-type': ['any'] }] },
      false,
    ],
    [
      'alternatives within alternatives',
      {
        $or: [
          { source: ['aws.eks'] },
          {
            source: ['aws.states'],
            detail: { $or: [{ status: ['ABORTED'] }, { error: [{ suffix: '.Unknown' }], redriveCount: [0] }] },
          },
        ],
      },
      true,
    ],
    [
      'alternatives within alternatives, none of which matches',
      {
        $or: [
          { source: ['aws.eks'] },
          { detail: { $or: [{ status: ['ABORTED'] }, { status: ['FAILED'], redriveCount: [1] }] } },
        ],
      },
      false,
    ],
  ])('of %s', (_, pattern, expected) => expect(matches(pattern)).toBe(expected));

  test.each<[string, Record<string, unknown>, string]>([
    ['an unsupported operator', { detail: { address: [{ cidr: '10.0.0.0/8' }] } }, 'detail.address'],
    ['an unknown operator', { detail: { error: [{ regex: 'x' }] } }, 'detail.error'],
    ['an operator in upper case', { detail: { error: [{ PREFIX: 'x' }] } }, 'detail.error'],
    ['two operators in one', { detail: { error: [{ prefix: 'a', suffix: 'x' }] } }, 'detail.error'],
    ['a list within the list', { detail: { error: [['x']] } }, 'detail.error'],
    ['an empty list', { resources: [] }, 'resources'],
    ['an empty object', { detail: {} }, 'detail'],
    ['nothing', {}, 'the top'],
    ['prefix of a number', { detail: { error: [{ prefix: 1 }] } }, 'detail.error'],
    ['prefix of a list', { detail: { error: [{ prefix: ['a'] }] } }, 'detail.error'],
    ['prefix of another operator', { detail: { error: [{ prefix: { wildcard: 'a' } }] } }, 'detail.error'],
    ['suffix of a list', { detail: { error: [{ suffix: ['a'] }] } }, 'detail.error'],
    [
      'equals-ignore-case of a prefix',
      { detail: { error: [{ 'equals-ignore-case': { prefix: 'a' } }] } },
      'detail.error',
    ],
    ['equals-ignore-case of a list', { detail: { error: [{ 'equals-ignore-case': ['a'] }] } }, 'detail.error'],
    ['two wildcards in a row', { detail: { error: [{ wildcard: 'a**b' }] } }, 'detail.error'],
    ['a backslash before another character', { detail: { error: [{ wildcard: 'a\\b' }] } }, 'detail.error'],
    ['a backslash at the end', { detail: { error: [{ wildcard: 'a\\' }] } }, 'detail.error'],
    ['wildcard of a list', { detail: { error: [{ wildcard: ['a'] }] } }, 'detail.error'],
    ['exists of a string', { detail: { error: [{ exists: 'true' }] } }, 'detail.error'],
    ['numeric of a number', { detail: { n: [{ numeric: 10 }] } }, 'detail.n'],
    ['numeric without a value', { detail: { n: [{ numeric: ['>', 0, '<'] }] } }, 'detail.n'],
    ['numeric of two lower bounds', { detail: { n: [{ numeric: ['>', 0, '>', 1] }] } }, 'detail.n'],
    ['numeric whose upper bound comes first', { detail: { n: [{ numeric: ['<', 5, '>', 1] }] } }, 'detail.n'],
    ['numeric with an empty range', { detail: { n: [{ numeric: ['>', 5, '<', 5] }] } }, 'detail.n'],
    ['numeric of text', { detail: { n: [{ numeric: ['>', '0'] }] } }, 'detail.n'],
    ['numeric of an unknown comparison', { detail: { n: [{ numeric: ['!=', 0] }] } }, 'detail.n'],
    [
      'anything-but of an unknown kind',
      { detail: { error: [{ 'anything-but': { numeric: ['>', 0] } }] } },
      'detail.error',
    ],
    ['anything-but of null', { detail: { error: [{ 'anything-but': null }] } }, 'detail.error'],
    ['anything-but of strings and numbers', { detail: { error: [{ 'anything-but': ['a', 1] }] } }, 'detail.error'],
    ['anything-but of an empty list', { detail: { error: [{ 'anything-but': [] }] } }, 'detail.error'],
    ['anything-but of an empty prefix', { detail: { error: [{ 'anything-but': { prefix: '' } }] } }, 'detail.error'],
    [
      'anything-but of an empty suffix',
      { detail: { error: [{ 'anything-but': { suffix: ['a', ''] } }] } },
      'detail.error',
    ],
    [
      'anything-but of a prefix with equals-ignore-case',
      { detail: { error: [{ 'anything-but': { prefix: { 'equals-ignore-case': 'a' } } }] } },
      'detail.error',
    ],
    [
      'anything-but of prefixes that are numbers',
      { detail: { error: [{ 'anything-but': { prefix: ['a', 1] } }] } },
      'detail.error',
    ],
    ['a field that occurs twice', { detail: { status: ['FAILED'] }, 'detail.status': ['ABORTED'] }, 'detail.status'],
    ['one alternative', { $or: [{ source: ['a'] }] }, '$or'],
    ['an alternative with an operator name', { $or: [{ prefix: ['a'] }, { source: ['a'] }] }, '$or[0]'],
    ['an empty alternative', { $or: [{}, { source: ['a'] }] }, '$or[0]'],
    [
      'more than 1,000 combinations',
      Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((key) => [key, { $or: Array.from({ length: 6 }, (_, n) => ({ [`f${n}`]: [1] })) }]),
      ),
      '$or',
    ],
    ['a value that is not a list', { source: 'aws.states' }, 'source'],
    ['$or that is not a list', { detail: { $or: {} } }, 'detail.$or'],
    ['an invalid alternative', { $or: [{ source: [{ regex: '*' }] }, { source: ['a'] }] }, '$or[0].source'],
  ])('is refused: %s', (_, pattern, path) => {
    expect(() => compile(pattern)).toThrow(PatternError);
    expect(() => compile(pattern)).toThrow(path);
  });
});

describe('a comparison operator', () => {
  const MISSING = Symbol('no such field');
  const fits = (entry: unknown, value: unknown): boolean =>
    compile({ detail: { field: [entry] } })({ detail: value === MISSING ? {} : { field: value } });

  test.each<[operator: unknown, yes: unknown[], no: unknown[]]>([
    [300, [300, 3e2], ['300', 301]],
    [null, [null], [MISSING, '', 'null', 0, []]],
    ['', [''], [null, MISSING, ' ']],
    ['running', ['running', ['stopped', 'running']], ['Running', 'running ', { running: 'running' }]],
    [{ prefix: 'a.' }, ['a.', 'a.b', ['x', 'a.b']], ['A.b', 'ab', 1, null, MISSING]],
    [{ prefix: '' }, ['', 'x'], [1, null, MISSING]],
    [{ prefix: { 'equals-ignore-case': 'EventB' } }, ['eVentbridge'], ['event']],
    [{ suffix: '.png' }, ['a.png', '.png'], ['a.PNG', 'a.png ', 1]],
    [{ suffix: { 'equals-ignore-case': '.png' } }, ['a.PNG'], ['a.jpg']],
    [{ 'equals-ignore-case': 'Alice' }, ['alice', 'ALICE'], ['alice ', null, MISSING]],
    [{ 'equals-ignore-case': '' }, [''], ['a']],
    [
      { wildcard: '/a/*/c.*' },
      ['/a/b/c.txt', '/a/b/b/c.', '/a//c.x', '/a/line\nbreak/c.d'],
      ['/a/c.txt', 'x/a/b/c.txt', '/a/b/cxtxt', 7],
    ],
    [{ wildcard: '*' }, ['', 'all'], [1, null, MISSING]],
    [{ wildcard: '' }, [''], ['a']],
    [{ wildcard: 'a\\*b\\\\*' }, ['a*b\\', 'a*b\\c'], ['axb\\', 'a*b']],
    [{ wildcard: '(a|b)+*' }, ['(a|b)+', '(a|b)+x'], ['ab']],
    [{ numeric: ['=', 3.018e2] }, [301.8], ['301.8', 301]],
    [{ numeric: ['<', 10] }, [9.9, -1], [10, '9', null, MISSING]],
    [{ numeric: ['<=', 10] }, [10], [10.1]],
    [{ numeric: ['>', 0] }, [0.1], [0]],
    [{ numeric: ['>=', 0] }, [0], [-0.1]],
    [{ numeric: ['>', 0, '<=', 5] }, [1, 5], [0, 5.1]],
    [{ numeric: ['>=', 0, '<', 5] }, [0, 4.9], [-1, 5]],
    [{ exists: true }, ['', 0, false, null, ['a']], [MISSING, [], {}, { a: 1 }]],
    [{ exists: false }, [MISSING, [], { a: 1 }], ['', null, ['a']]],
    [{ 'anything-but': 'a' }, ['b', 1, null, true, ['a', 'b']], ['a', ['a'], MISSING, [], {}]],
    [{ 'anything-but': ['a', 'b'] }, ['c', null], ['a', 'b', MISSING]],
    [{ 'anything-but': 0 }, [1, '0'], [0, MISSING]],
    [{ 'anything-but': [100, 200] }, [300], [200]],
    [{ 'anything-but': { prefix: 'init' } }, ['post-init', 12, null], ['initial', MISSING]],
    [{ 'anything-but': { prefix: ['a', 'b'] } }, ['ca'], ['ac', 'bc', MISSING]],
    [{ 'anything-but': { suffix: '.txt' } }, ['a.txt.bak', null], ['a.txt', MISSING]],
    [{ 'anything-but': { suffix: ['.txt', '.rtf'] } }, ['a.md'], ['a.rtf']],
    [{ 'anything-but': { 'equals-ignore-case': 'pending' } }, ['done', null], ['PENDING', MISSING]],
    [{ 'anything-but': { 'equals-ignore-case': ['pending', 'stopped'] } }, ['done'], ['Stopped']],
    [{ 'anything-but': { wildcard: '*/lib/*' } }, ['/lib', 3], ['/a/lib/b', MISSING]],
    [{ 'anything-but': { wildcard: ['*/lib/*', 'a*'] } }, ['b/lib'], ['ab', '/lib/']],
    [{ 'anything-but': { wildcard: '' } }, ['a'], ['']],
  ])('%j', (entry, yes, no) => {
    expect(yes.map((value) => fits(entry, value))).toEqual(yes.map(() => true));
    expect(no.map((value) => fits(entry, value))).toEqual(no.map(() => false));
  });

  test('matches if one of several matches, even for a missing field', () => {
    const either = compile({ detail: { error: [{ 'anything-but': ['Blocked'] }, { exists: false }] } });
    expect([{ error: 'Blocked' }, { error: 'x' }, {}].map((detail) => either({ detail }))).toEqual([false, true, true]);
  });
});

describe('fields of an event', () => {
  test('are found by dotted names as well as by nested objects', () => {
    for (const pattern of [
      { detail: { 'state.status': ['on'] } },
      { 'detail.state': { status: ['on'] } },
      { detail: { state: { status: ['on'] } } },
    ]) {
      expect(compile(pattern)({ detail: { state: { status: 'on' } } })).toBe(true);
      expect(compile(pattern)({ detail: { 'state.status': 'on' } })).toBe(true);
      expect(compile(pattern)({ detail: { state: 'on' } })).toBe(false);
    }
  });

  test('must belong to the same item of a list of objects', () => {
    const pattern = compile({ items: { id: ['a'], state: ['on'], tags: { key: ['k'] } } });
    const items = (...list: [id: string, state: string, ...keys: string[]][]) => ({
      items: list.map(([id, state, ...keys]) => ({ id, state, tags: keys.map((key) => ({ key })) })),
    });
    expect(pattern(items(['a', 'off', 'k'], ['b', 'on', 'k']))).toBe(false);
    expect(pattern(items(['b', 'on', 'k'], ['a', 'on', 'x', 'k']))).toBe(true);
    expect(pattern(items(['a', 'on'], ['b', 'on', 'k']))).toBe(false);
  });

  test('that are inherited properties do not exist', () => {
    expect(compile({ detail: { constructor: [{ exists: true }] } })({ detail: {} })).toBe(false);
    expect(() => compile({ detail: [{ toString: 'a' }] })).toThrow(PatternError);
  });
});
