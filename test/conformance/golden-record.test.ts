/** What a recording keeps of answers, and what it takes out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareAnswers } from '../../conformance/kubernetes/golden/compare.ts';
import { type Answer, type Exchange, scenarioFor } from '../../conformance/kubernetes/golden/corpus.ts';
import { generatedNames, keptHeaders, normalBody } from '../../conformance/kubernetes/golden/normalise.ts';
import { readmeOf } from '../../conformance/kubernetes/golden/record-readme.ts';
import {
  lines,
  RecordError,
  recordedExchanges,
  requireFree,
  setUpFor,
  withSeconds,
} from '../../conformance/kubernetes/golden/record.ts';
import { forAll } from '../for-all.ts';

const UID = '0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f';
const labels = { 'pod-template-hash': '5d4f8c7b9' };
const named = { name: 'web-5d4f8c7b9-x2lkq', generateName: 'web-5d4f8c7b9-', labels };
const POD = { metadata: { ...named, uid: UID, resourceVersion: '812' } };
const outbox = { name: 'outbox-0', generateName: 'outbox-' };
const SET_POD = { metadata: { ...outbox, labels: { 'controller-revision-hash': 'outbox-7c9d8b6f5' } } };
const normal = (body: unknown): unknown => normalBody(body, generatedNames([POD, SET_POD]));

describe('a recorded body', () => {
  const web = { name: 'web-<hash>-<id>', generateName: 'web-<hash>-', labels: { 'pod-template-hash': '<hash>' } };
  test.each<[unknown, unknown]>([
    [POD, { metadata: { ...web, uid: '<uid>', resourceVersion: '<rv>' } }],
    [SET_POD, { metadata: { ...outbox, labels: { 'controller-revision-hash': 'outbox-<hash>' } } }],
    ['ReplicaSet "web-5d4f8c7b9" has progressed.', 'ReplicaSet "web-<hash>" has progressed.'],
    [{ cells: ['web-5d4f8c7b9-x2lkq', '100.64.0.7'] }, { cells: ['web-<hash>-<id>', '<ip>'] }],
    [{ creationTimestamp: '2026-11-29T11:37:39Z' }, { creationTimestamp: '<time>' }],
    [{ continue: 'eyJ2Ijoi' }, { continue: '<continue>' }],
    [{ continue: '' }, { continue: '' }],
    [{ resourceVersion: 'abc' }, { resourceVersion: 'abc' }],
    [{ resourceVersion: '' }, { resourceVersion: '' }],
    [{ [`k:{"uid":"${UID}"}`]: {} }, { 'k:{"uid":"<uid>"}': {} }],
    [{ 'k:{"ip":"100.64.0.7"}': {} }, { 'k:{"ip":"<ip>"}': {} }],
    [
      { url: 'https://127.0.0.1:40123/mutate', caBundle: 'LS0t' },
      { url: 'https://<server>/mutate', caBundle: '<ca>' },
    ],
    [{ serverAddress: '192.0.2.1:6443' }, { serverAddress: '<server>' }],
    ['{"resourceVersion":"12"}', '{"resourceVersion":"<rv>"}'],
    [String.raw`{\"resourceVersion\":\"12\"}`, String.raw`{\"resourceVersion\":\"<rv>\"}`],
    [
      'metadata:\n  continue: eyJ2\n  resourceVersion: "12"\n',
      'metadata:\n  continue: <continue>\n  resourceVersion: "<rv>"\n',
    ],
    ['(*int32)(0xc00a1b2c3d)', '(*int32)(<pointer>)'],
    ['kube-api-access-x2lkq', 'kube-api-access-<id>'],
    [{ containerID: `containerd://${'ab'.repeat(32)}` }, { containerID: 'containerd://<id>' }],
    [
      [1, null, true, 'api'],
      [1, null, true, 'api'],
    ],
  ])('of %j', (body, expected) => expect(normal(body)).toEqual(expected));

  test('is equal to what it was recorded of', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(UID, '2026-11-29T11:37:39Z', 'web-5d4f8c7b9-x2lkq', '10.0.1.2', '0xc00a1b2c3d', '<none>'),
    );
    const key = fc
      .oneof(fc.string(), fc.constantFrom('resourceVersion', 'name', `k:{"uid":"${UID}"}`))
      .filter((one) => one !== '__proto__' && one !== 'kind');
    const { body } = fc.letrec((tie) => ({
      body: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('body'), { maxLength: 4 }),
        fc.dictionary(key, tie('body'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    forAll(body, (value) => {
      const answer: Answer = { status: 200, headers: {}, body: value };
      expect(compareAnswers({ ...answer, body: normal(value) }, answer).body).toEqual([]);
    });
  });
});

test('headers of the moment are left out', () => {
  const kept = { 'content-type': 'application/json', warning: 'one' };
  const found = keptHeaders({ date: 'now', etag: '"1"', ...kept, 'set-cookie': ['a', 'b'] });
  expect(found).toEqual({ ...kept, 'set-cookie': 'a, b' });
});

describe('recorded exchanges', () => {
  const given = { status: 500, headers: {} };
  const exchange: Exchange = { id: 'get-pod', method: 'GET', path: '/api/v1/pods', as: 'admin', answer: given };
  const answer: Answer = { status: 200, headers: { 'audit-id': UID, 'content-type': 'application/json' }, body: POD };

  const normalAnswer = {
    status: 200,
    headers: { 'audit-id': '<any>', 'content-type': 'application/json' },
    body: normalBody(POD, generatedNames([POD])),
  };
  test('have the new answers', () =>
    expect(recordedExchanges([{ exchange, answer }], [])).toEqual([{ ...exchange, answer: normalAnswer }]));

  test('leave out the bodies that the earlier recording left out', () => {
    const before = { ...exchange, answer: { ...exchange.answer, bodyLeftOut: true } };
    const [recorded] = recordedExchanges([{ exchange: before, answer }], []);
    expect(recorded?.answer).toMatchObject({ status: 200, bodyLeftOut: true });
    expect(recorded?.answer).not.toHaveProperty('body');
  });

  test('take out the names that only lists have', () => {
    const late = { status: 200, headers: {}, body: { message: 'web-5d4f8c7b9-x2lkq is going' } };
    const [recorded] = recordedExchanges([{ exchange, answer: late }], [{ items: [POD] }]);
    expect(recorded?.answer.body).toEqual({ message: 'web-<hash>-<id> is going' });
  });
});

test('new seconds are marked where the workloads did not settle', () => {
  const at = (path: string) => ({ id: 'x', method: 'GET', path, as: 'admin', answer: { status: 200, headers: {} } });
  const account = at('/api/v1/serviceaccounts');
  const pods = at('/api/v1/pods');
  const marked = { ...account, newSecond: true };
  expect(withSeconds([account, account, account, pods], [1, 1, 2, 3])).toEqual([account, account, marked, pods]);
});

describe('the files of a recording', () => {
  test('have one item a line', () =>
    expect([lines([]), lines([{ a: 1 }, { b: 2 }])]).toEqual(['[]\n', '[\n{"a":1},\n{"b":2}\n]\n']));

  test('have the scenario with the version', () => {
    const text = '{ "startAt": "2026-01-15T09:00:00.000Z", "version": "1.33", "addon": "v1.33.1" }';
    const startAt = '2026-11-29T00:00:00.000Z';
    const scenario: unknown = JSON.parse(scenarioFor('1.35', startAt, text));
    expect(scenario).toEqual({ startAt, version: '1.35', addon: 'v1.33.1' });
  });

  test('have no set-up of another server', () => {
    const of = (name: string) => ({ method: 'POST', path: '/x', body: { metadata: { name } } });
    const patch = { method: 'PATCH', path: '/x', body: {} };
    expect(setUpFor([of('lab-makers'), of('well-known'), patch])).toEqual([of('lab-makers')]);
  });

  test('say what was recorded', () => {
    const versions = { version: '1.36', source: '1.33', release: '1.36.2', etcd: '3.6.13' };
    const text = readmeOf({ ...versions, requests: 287, date: new Date('2026-11-29T00:00:00Z') });
    expect(text).toContain('kube-scheduler 1.36.2 and etcd 3.6.13');
    expect(text).toContain('Recorded on 2026-11-29');
  });

  test('replace nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'recording-'));
    try {
      requireFree(folder);
      requireFree(join(folder, 'none'));
      writeFileSync(join(folder, 'corpus.json'), '[]');
      expect(() => requireFree(folder)).toThrow(RecordError);
      expect(() => requireFree(folder)).toThrow(/ is not empty, .*\nDelete the folder, or name another one\.$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
