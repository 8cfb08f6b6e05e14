import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { linesOf } from '../../cli/trust/input.ts';
import { trustCheckBatch } from '../../cli/trust/batch.ts';
import { collector } from './fixtures.ts';
import {
  CLUSTER,
  DENY,
  FROM_OFFICE,
  IRSA,
  ISSUER,
  POD_IDENTITY,
  policy,
  policyText,
  ROLE,
  trust,
} from './trust-fixtures.ts';
import { scratchDirectory } from '../scratch.ts';
import { matching } from '../lambdas/matchers.ts';

const line = (change: Record<string, unknown> = {}): string =>
  JSON.stringify({
    id: 'a',
    policy: policy(POD_IDENTITY),
    roleArn: ROLE,
    clusterArn: CLUSTER,
    namespace: 'kube-system',
    serviceAccount: 'ebs-csi-controller-sa',
    ...change,
  });

interface Answered {
  id?: unknown;
  line?: number;
  podIdentity?: { verdict: string; reasons: { message: string }[] };
  irsa?: { verdict: string };
  error?: { name: string; message: string; hint: string };
}

const batch = async (
  text: string,
  ...flags: string[]
): Promise<{ code: number; answered: Answered[]; err: string }> => {
  const { code, out, err } = await trust(['check', '--batch', '-', ...flags], text, 7);
  return {
    code,
    answered: out
      .split('\n')
      .slice(0, -1)
      .map((each) => JSON.parse(each) as Answered),
    err,
  };
};

describe('a batch', () => {
  it('answers each line with one line, in the same order', async () => {
    const { code, answered, err } = await batch(
      [
        line({ id: 1, policy: policy(POD_IDENTITY, IRSA), oidcIssuer: ISSUER }),
        line({ id: 'two', policy: policyText(IRSA), note: 'unknown fields are kept' }),
        line({
          id: 'Äpfel',
          policy: encodeURIComponent(policyText(FROM_OFFICE)),
          oidcIssuer: null,
          disableSessionTags: null,
        }),
        line({ id: '', policy: policy(POD_IDENTITY, DENY) }),
      ].join('\n'),
    );
    expect(answered.map(({ id, podIdentity, irsa }) => [id, podIdentity?.verdict, irsa?.verdict])).toEqual([
      [1, 'allowed', 'allowed'],
      ['two', 'denied', 'unknown'],
      ['Äpfel', 'unknown', 'denied'],
      ['', 'denied', 'denied'],
    ]);
    expect([Object.keys(answered[0]!), { code, err }]).toEqual([['id', 'podIdentity', 'irsa'], { code: 3, err: '' }]);
  });

  it('continues after a bad line, and reports its number, and its id if it has one', async () => {
    const { code, answered } = await batch(
      [
        'nonsense',
        '',
        line({ roleArn: undefined, clusterArn: 'x' }),
        '  ',
        '[1]',
        '"text"',
        'null',
        line({ id: 'good' }),
        line({ id: undefined }),
        line({ id: {} }),
        line({}).replace('{', '{"id":"twice",'),
      ].join('\r\n'),
    );
    expect(
      answered.map(({ id, line: number, error, podIdentity }) => [number, id, error?.name ?? podIdentity?.verdict]),
    ).toEqual([
      [1, undefined, 'BadLine'],
      [3, 'a', 'BadLine'],
      [5, undefined, 'BadLine'],
      [6, undefined, 'BadLine'],
      [7, undefined, 'BadLine'],
      [undefined, 'good', 'allowed'],
      [9, undefined, 'BadLine'],
      [10, undefined, 'BadLine'],
      [11, undefined, 'BadLine'],
    ]);
    expect(answered.at(-1)!.error!.message).toBe('the line is not JSON: column 15: the key "id" occurs twice');
    expect(answered[0]!.error!.message).toMatch(/^the line is not JSON: /);
    expect(answered[1]!.error!.message).toMatch(
      /^roleArn is missing; clusterArn "x" must be the ARN of an EKS cluster/,
    );
    expect(answered[2]!.error!.message).toBe('the line is not a JSON object');
    expect(answered[6]!.error!.message).toBe('id is missing');
    expect(answered[7]!.error!.message).toBe('id must be text or a number');
    expect(new Set(answered.flatMap(({ error }) => (error ? [error.hint] : []))).size).toBe(1);
    expect(answered[0]!.error!.hint).toContain(
      '{"id", "policy", "roleArn", "clusterArn", "namespace", "serviceAccount", "oidcIssuer"?, "disableSessionTags"?}',
    );
    expect(code).toBe(2);
  });

  it.each([
    [{ policy: undefined }, 'policy is missing'],
    [{ policy: null }, 'policy must be a policy document: an object, or its text'],
    [{ policy: [] }, 'policy must be a policy document: an object, or its text'],
    [{ namespace: '' }, 'namespace "" must be the name of a namespace such as kube-system'],
    [
      { serviceAccount: 'A*' },
      'serviceAccount "A*" must be the name of a service account such as ebs-csi-controller-sa',
    ],
    [{ serviceAccount: 7 }, 'serviceAccount must be text'],
    [
      { roleArn: 'arn:aws:iam::1:role/x' },
      'roleArn "arn:aws:iam::1:role/x" must be an IAM role ARN such as arn:aws:iam::111122223333:role/my-role, whose path has no empty parts, no . and no ..',
    ],
    [{ disableSessionTags: 'no' }, 'disableSessionTags "no" must be true or false'],
    [{ oidcIssuer: 'ftp://x' }, matching(/^oidcIssuer "ftp:\/\/x" must be the address of/)],
  ])('refuses the line with %j', async (change, message) => {
    const { code, answered } = await batch(line(change));
    expect(answered).toEqual([
      { id: 'a', line: 1, error: { name: 'BadLine', message, hint: expect.any(String) as unknown } },
    ]);
    expect(code).toBe(2);
  });

  it('is not misled by names that are special in JavaScript', async () => {
    const { answered } = await batch(
      [
        line({ id: '__proto__' }),
        line({ id: 'constructor', policy: '{"__proto__":{"Version":"2012-10-17","Statement":[]}}' }),
        `{"__proto__":${line({ id: 'inherited' })}}`,
        line({ id: 'toString', namespace: 'constructor', serviceAccount: 'constructor' }),
        line({ id: 4 }).replace('"policy":{', '"policy":{"__proto__":{"Effect":"Deny"},'),
      ].join('\n'),
    );
    expect(
      answered.map(({ id, podIdentity, error }) => [id, podIdentity?.verdict ?? error?.message.split(';')[0]]),
    ).toEqual([
      ['__proto__', 'allowed'],
      ['constructor', 'invalid'],
      [undefined, 'id is missing'],
      ['toString', 'allowed'],
      [4, 'invalid'],
    ]);
  });

  it('answers for invalid policies too, with their own exit code', async () => {
    const { code, answered } = await batch([line({ policy: '{' }), line({ policy: {} }), line()].join('\n'));
    expect(answered.map(({ podIdentity }) => podIdentity?.verdict)).toEqual(['invalid', 'invalid', 'allowed']);
    expect([answered.every(({ error }) => error === undefined), code]).toEqual([true, 2]);
  });

  it.each([
    ['', 0],
    ['\n\n', 0],
    [line(), 0],
    [`${line()}\n${line({ policy: policy(IRSA) })}`, 3],
    [`${line({ policy: policy(IRSA) })}\n{}`, 2],
  ])('ends with the worst exit code: %s', async (text, expected) => expect((await batch(text)).code).toBe(expected));

  it('accepts keys for every line', async () => {
    const { code } = await batch(
      `${line({ policy: policy(FROM_OFFICE) })}\n${line({ policy: policy(FROM_OFFICE) })}`,
      '--accept',
      'condition-key:aws:SourceIp',
    );
    expect(code).toBe(0);
  });

  it('reads input split at any position, with separators of other formats inside', async () =>
    expect((await batch(`\uFEFF${line({ id: 'a\u2028b\u0085c' })}\n`)).answered[0]).toMatchObject({
      id: 'a\u2028b\u0085c',
      podIdentity: { verdict: 'allowed' },
    }));

  it('discards a line that is too long, and continues after it', async () => {
    const { code, out } = await trust(['check', '--batch', '-'], `"${'x'.repeat(1_000_000)}"\n${line()}\n`, 100_000);
    const [first, second] = out.split('\n').map((each) => (each ? (JSON.parse(each) as Answered) : {}));
    expect(first).toMatchObject({
      line: 1,
      error: { name: 'BadLine', message: 'the line has more than 1000000 characters' },
    });
    expect([second, code]).toMatchObject([{ id: 'a', podIdentity: { verdict: 'allowed' } }, 2]);
  });

  it.each([
    [['--batch', 'nowhere.jsonl'], /--batch nowhere\.jsonl cannot be read: the file does not exist/],
    [
      ['--batch', '-', '--namespace', 'x', '--disable-session-tags'],
      /--namespace "x" cannot be combined with --batch[^]*--disable-session-tags cannot be combined/,
    ],
    [['--batch', '-', '--sandbox', 'x'], /--sandbox "x" cannot be combined with --batch/],
  ])('%j is bad input', async (flags, message) => {
    const { code, out, err } = await trust(['check', ...flags]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  });

  it('splits lines only at line feeds', async () => {
    const pieces = async function* (): AsyncGenerator<string> {
      yield* await Promise.resolve(['a\r', '\nb', '', 'c\n\nlonger', ' than that\n', 'd']);
    };
    const lines = [];
    for await (const one of linesOf(pieces(), 8)) lines.push(one);
    expect(lines).toEqual([
      { number: 1, text: 'a' },
      { number: 2, text: 'bc' },
      { number: 3, text: '' },
      { number: 4, tooLong: true },
      { number: 5, text: 'd' },
    ]);
  });
});

describe('the reader of a batch', () => {
  const directory = scratchDirectory();
  let file: string;
  const LINES = 2000;
  beforeAll(() => {
    file = join(directory, 'batch.jsonl');
    writeFileSync(file, Array.from({ length: LINES }, (_, id) => `${line({ id })}\n`).join(''));
  });

  const flags = () => ({ batch: file, accept: [], json: false, debug: false });

  it('is waited for', async () => {
    let waiting = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        setImmediate(() => {
          waiting -= 1;
          done();
        });
      },
    });
    const write = slow.write.bind(slow);
    slow.write = ((text: string) => {
      waiting += 1;
      most = Math.max(most, waiting);
      return write(text);
    }) as never;
    expect([await trustCheckBatch(flags(), { stdout: slow, stderr: collector() }), most]).toEqual([0, 1]);
  });

  it('may stop early, and the rest is not processed', async () => {
    let written = 0;
    const leaving = new Writable({
      write: (_chunk, _encoding, done) => {
        written += 1;
        done(written < 3 ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    expect(await trustCheckBatch(flags(), { stdout: leaving, stderr: collector() })).toBe(0);
    expect(written).toBeLessThan(LINES / 2);
  });

  it('gets every line, and causes no stack trace if it stops', () => {
    const run = (tail: string) =>
      spawnSync('sh', ['-c', `"$0" bin/pod-identity.ts trust check --batch "$1" ${tail}`, process.execPath, file], {
        encoding: 'utf8',
        maxBuffer: 64_000_000,
      });
    const whole = run('');
    expect(whole.stderr).toBe('');
    expect(whole.stdout.split('\n')).toHaveLength(LINES + 1);
    expect(whole.stdout.endsWith('}\n')).toBe(true);
    const cut = run('| head -1');
    expect([cut.stderr, JSON.parse(cut.stdout)]).toMatchObject(['', { id: 0 }]);
  });
});
