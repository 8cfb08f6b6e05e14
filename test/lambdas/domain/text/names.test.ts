import { describe, expect, it } from 'vitest';
import { migrationRequest } from '../../../../lambdas/domain/request/request.ts';
import {
  accountId,
  addonName,
  clusterName,
  migrationId,
  plainText,
  regionName,
  roleArn,
  serviceAccountName,
} from '../../../../lambdas/domain/text/names.ts';
import { acceptOf } from '../../../../lambdas/domain/acceptance/accept.ts';
import { aRequest } from '../../fixtures.ts';
import { words } from '../../../words.ts';

const right = {
  migrationId: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
  accountId: '111122223333',
  regionName: 'eu-west-1',
  clusterName: 'dev',
  addonName: 'aws-ebs-csi-driver',
  roleArn: 'arn:aws:iam::111122223333:role/a/b',
  serviceAccountName: 'ebs-csi.controller',
  accepted: 'condition-key:aws:SourceIp',
};
const kinds = {
  migrationId,
  accountId,
  regionName,
  clusterName,
  addonName,
  roleArn,
  serviceAccountName,
  accepted: acceptOf('trust-policy').element,
};
/** What is done to a right one. */
const spoilt: [string, (name: string) => string][] = [
  ['a line break at its end', (name) => `${name}\n`],
  ['a line break at its beginning', (name) => `\n${name}`],
  ['a second line', (name) => `${name}\nx`],
  ['a NUL', (name) => `${name}\u0000`],
  ['an escape', (name) => `\u001b${name}`],
  ['a wildcard', (name) => `${name}*`],
  ['a mark that turns the text around', (name) => `${name}\u202e`],
  ['half a megabyte behind it', (name) => `${name}${'a'.repeat(500_000)}`],
  ['half a megabyte of parts behind it', (name) => `${name}${'-a.'.repeat(160_000)}`],
];

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  const schema = kinds[kind];
  it('takes a right one', () => expect(schema.parse(right[kind])).toBe(right[kind]));
  it.each(spoilt)('refuses one with %s, at once and without repeating it', (_, spoil) => {
    const started = performance.now();
    const { error } = schema.safeParse(spoil(right[kind]));
    expect(error?.issues.length).toBeGreaterThan(0);
    expect(JSON.stringify(error?.issues.map(({ message }) => message)).length).toBeLessThan(400);
    expect(performance.now() - started).toBeLessThan(1000);
  });
  it.each(['', '__proto__', '..', '/', '%2F', '\u0430\u0430', '$(id)', 'eu-west-1#', '\u0661'.repeat(12)])(
    'refuses %j',
    (name) => expect(schema.safeParse(name).success).toBe(false),
  );
});

describe('roleArn', () => {
  const of = (path: string): string => `arn:aws:iam::111122223333:role/${path}`;
  it.each(
    [
      ['x', 'a/x', 'eks-addons/team.one/x', 'a_b/c+d=e,f@g/h-i.j', '.../x', '.x/y', `${'p/'.repeat(80)}x`],
      ['x'.repeat(64)],
    ].flat(),
  )('takes %s', (path) => expect(roleArn.safeParse(of(path)).success).toBe(true));
  it.each(
    [
      ['../x', 'a/../x', 'a/./x', './x', 'a//x', '/x', 'a/', 'a/..', '..', '.', 'a/*', '*/x', 'a/?', 'a/$x'],
      ['a/%2e%2e/x', 'a/\u0435', 'a b/x', 'a:b/x', "a'/x", 'a"/x', 'a\\b/x', 'x'.repeat(65), `${'p/'.repeat(120)}x`],
    ].flat(),
  )('refuses %s', (path) => expect(roleArn.safeParse(of(path)).success).toBe(false));
  it.each(words`
    arn:aws:iam::111122223333:user/x arn:aws:iam:eu-west-1:111122223333:role/x
    arn:aws:sts::111122223333:assumed-role/x/y arn:AWS:iam::111122223333:role/x arn:aws:iam::1111:role/x
    arn:aws-:iam::111122223333:role/x
  `)('refuses %s', (arn) => expect(roleArn.safeParse(arn).success).toBe(false));
});

describe('serviceAccountName', () => {
  it.each(['a', '0', 'a.b', 'a-b.c-d', 'x'.repeat(253)])('takes %s', (name) =>
    expect(serviceAccountName.safeParse(name).success).toBe(true),
  );
  it.each(['-a', 'a-', 'a..b', '.a', 'a.', 'a.-b', 'A', 'a_b', 'a/b', 'x'.repeat(254)])('refuses %s', (name) =>
    expect(serviceAccountName.safeParse(name).success).toBe(false),
  );
});

describe('plainText', () => {
  it.each(['', 'why not', 'it’s für 日本', '👩‍💻', 'a\\nb'])('takes %s', (text) =>
    expect(plainText(50).safeParse(text).success).toBe(true),
  );
  it.each(
    [
      ['a\nb', '\t', '\u001b[31m', '\u009b31m', '\u007f', '\u2028', '\u202e', '\u2066', '\ud800', '\ufeff'],
      ['x'.repeat(51)],
    ].flat(),
  )('refuses %j', (text) => expect(plainText(50).safeParse(text).success).toBe(false));
});

it('a request may name fifty service accounts, and not one more', () => {
  const roles = (count: number): object => ({
    ...aRequest(),
    roles: Object.fromEntries(Array.from({ length: count }, (_, index) => [`sa-${index}`, right.roleArn])),
  });
  expect(migrationRequest.safeParse(roles(50)).success).toBe(true);
  expect(migrationRequest.safeParse(roles(51)).success).toBe(false);
});
