import { describe, expect, test } from 'vitest';
import { compareAnswers, differencesOf } from '../../conformance/kubernetes/golden/compare.ts';
import { covers } from '../../conformance/kubernetes/golden/reasons.ts';

const UID = '0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f';

describe('a recorded value', () => {
  test.each([
    ['<uid>', UID],
    ['web-<hash>-<id>', 'web-5d4f8c7b9-x2lkq'],
    [{ at: '<time>' }, { at: '2026-01-15T09:00:00Z' }],
    [{ 'k:{"uid":"<uid>"}': {} }, { [`k:{"uid":"${UID}"}`]: {} }],
    [{ expirationSeconds: '<expiration>' }, { expirationSeconds: 86_400 }],
    [
      [1, 'two', null],
      [1, 'two', null],
    ],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    ['<none>', '<none>'],
  ])('%j is equal to %j', (recorded, value) => expect(differencesOf(recorded, value)).toEqual([]));

  test.each([
    ['<uid>', 'x', 'body: recorded "<uid>", sandbox "x"'],
    ['<time>', 'yesterday', 'body: recorded "<time>", sandbox "yesterday"'],
    [{ a: 1 }, { a: '1' }, '.a: recorded 1, sandbox "1"'],
    [{ a: '1' }, { a: 1 }, '.a: recorded "1", sandbox 1'],
    [{ a: 1 }, {}, '.a: recorded 1, sandbox nothing'],
    [{}, { a: null }, '.a: recorded nothing, sandbox null'],
    [[1], [1, 2], 'body: recorded 1 items, sandbox 2'],
    [[1, 2], [2, 1], '[0]: recorded 1, sandbox 2'],
    ['(a+)', 'aa', 'body: recorded "(a+)", sandbox "aa"'],
  ])('%j is not equal to %j', (recorded, value, difference) =>
    expect(differencesOf(recorded, value)).toContain(difference),
  );
});

describe('an answer', () => {
  const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'Pod' } };

  test('is equal but for how it was sent', () => {
    const sent = { ...answer, headers: { ...answer.headers, 'content-length': '12' } };
    expect(compareAnswers(answer, sent)).toEqual({ status: [], headers: [], body: [] });
  });

  test('differs by its status, a header and its body', () => {
    const other = { status: 404, headers: { 'content-type': 'text/plain' }, body: { kind: 'Status' } };
    expect(compareAnswers(answer, other)).toEqual({
      status: ['status: recorded 200, sandbox 404'],
      headers: ['headers.content-type: recorded "application/json", sandbox "text/plain"'],
      body: ['.kind: recorded "Pod", sandbox "Status"'],
    });
  });

  test('has a body that was left out', () =>
    expect(compareAnswers({ ...answer, body: undefined, bodyLeftOut: true }, answer).body).toEqual([]));

  test('has the ages of a table as times, and its other cells as they are', () => {
    const table = (age: string, status: string): object => ({
      kind: 'Table',
      columnDefinitions: [{ name: 'Age' }, { name: 'Status' }],
      rows: [{ cells: [age, status] }],
    });
    expect(
      compareAnswers({ ...answer, body: table('1s', 'Running') }, { ...answer, body: table('9d', 'Running') }).body,
    ).toEqual([]);
    expect(
      compareAnswers({ ...answer, body: table('1s', 'Running') }, { ...answer, body: table('1s', 'Pending') }).body,
    ).toHaveLength(1);
  });
});

test('a reason covers the differences that it names, of the answers that it names', () => {
  const reason = { ids: ['get-pod', 'list-*'], at: '^\\.spec\\.volumes', reason: 'It is so.' };
  expect(covers(reason, 'get-pod', '.spec.volumes[0]: recorded 1, sandbox 2')).toBe(true);
  expect(covers(reason, 'list-pods', '.spec.volumes[0]: recorded 1, sandbox 2')).toBe(true);
  expect(covers(reason, 'get-pods', '.spec.volumes[0]: recorded 1, sandbox 2')).toBe(false);
  expect(covers(reason, 'get-pod', '.spec.containers: recorded 1, sandbox 2')).toBe(false);
});
