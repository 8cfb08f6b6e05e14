import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  acceptedNames,
  acceptFlags,
  acceptHelp,
  acceptOf,
  accepts,
  isAcceptable,
  MAX_ACCEPTED,
} from '../../../../lambdas/domain/acceptance/accept.ts';
import { type Kind, KINDS, kindsOf, type Use } from '../../../../lambdas/domain/acceptance/kinds.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const problemOf = (entry: string, use: Use = 'add-on'): string | undefined =>
  acceptOf(use).safeParse([entry]).error?.issues[0]?.message;

describe('an entry', () => {
  it.each(Object.values(KINDS))('$example is accepted where its kind applies, and nowhere else', ({ of, example }) => {
    const uses: Use[] = ['add-on', 'service-account', 'cluster', 'sweep', 'retirement', 'rollback', 'trust-policy'];
    expect(uses.filter((use) => problemOf(example, use) === undefined)).toEqual(
      uses.filter((use) => (of as readonly Use[]).includes(use)),
    );
  });

  it('has a kind that ends at the first colon', () => {
    const accept = ['condition-key:aws:SourceIp', 'consumer:system:serviceaccount:*:api', 'image:a/b@sha256:0'];
    expect(acceptOf('add-on').parse(accept)).toEqual(accept);
    expect([acceptedNames({ accept }, 'condition-key'), acceptedNames({ accept }, 'image')]).toEqual([
      ['aws:SourceIp'],
      ['a/b@sha256:0'],
    ]);
  });

  it.each([
    ['everything', 'must be KIND:NAME, with one of these kinds: condition-key, identity-loss, owner, '],
    ['images:a', 'must be KIND:NAME, with one of these kinds: '],
    ['__proto__', 'must be KIND:NAME, with one of these kinds: '],
    ['image', 'must be image:IMAGE, such as image:registry.k8s.io/external-dns/external-dns:v0.13.6'],
    ['owner:chef', 'must be owner:terraform|pulumi|'],
    ['credential-gap', 'has kind credential-gap, which applies only to rollbacks: leave it out'],
    [`image:${'a'.repeat(700)}`, 'must have at most 700 characters'],
  ])('%j is refused with what it must be', (entry, message) => expect(problemOf(entry)).toContain(message));

  it('of a kind without names is refused with one', () =>
    expect(problemOf('credential-gap:now', 'rollback')).toBe('must be credential-gap, without a name'));

  it.each([
    ['Issuer..x/shop/aws', false],
    ['Issuer.example.com/shop/aws', true],
    ['issuers.', false],
    ['issuers.cert-manager.io', true],
    ['*', true],
    ['shop aws', false],
  ])('of a consumer may have the name %j: %j', (name, is) => expect(isAcceptable('consumer', name)).toBe(is));
});

it('a request accepts so many entries, and a remedy prints so many', () => {
  const entries = Array.from({ length: MAX_ACCEPTED + 1 }, (_, index) => `image:a:${index}`);
  expect(acceptOf('rollback').safeParse(Array(MAX_ACCEPTED).fill('credential-gap')).success).toBe(true);
  expect(acceptOf('rollback').safeParse(Array(MAX_ACCEPTED + 1).fill('credential-gap')).error?.issues[0]?.message).toBe(
    'must have at most 100 entries',
  );
  expect(
    acceptFlags('image', [...entries.map((entry) => entry.slice(6)), 'not an image']).split(' --accept '),
  ).toHaveLength(MAX_ACCEPTED);
});

it('what is accepted is asked for by kind and whole name', () => {
  const request = { accept: ['image:a:1', 'credential-gap'] };
  expect([
    accepts(request, 'image', 'a:1'),
    accepts(request, 'credential-gap'),
    accepts(request, 'image', 'a'),
    accepts(request, 'owner', 'a:1'),
  ]).toEqual([true, true, false, false]);
  expect(acceptFlags('consumer', ['system:serviceaccount:*:api'])).toBe(
    "--accept 'consumer:system:serviceaccount:*:api'",
  );
});

it.each(['add-on', 'retirement', 'rollback', 'trust-policy'] as const)('the help for %s has each of its kinds', (use) =>
  expect(
    acceptHelp(use)
      .split('\n')
      .map((line) => /^ {2}([a-z-]+)/.exec(line)?.[1]),
  ).toEqual(kindsOf(use).map(([kind]) => kind)),
);

it('every kind has its row in docs/one-addon.md, with checks that exist', () => {
  const page = readFileSync(join(ROOT, 'docs', 'one-addon.md'), 'utf8');
  const rows = Object.entries<Kind>(KINDS).map(([name, { form, checks, what }]) => {
    const entry = form === undefined ? name : `${name}:${form.replaceAll('|', String.raw`\|`)}`;
    const of = checks.length === 0 ? ['rollback'] : checks;
    return `| \`${entry}\` | ${of.map((id) => `\`${id}\``).join(', ')} | ${what} |`;
  });
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  const code = globSync('lambdas/domain/**/*.ts', { cwd: ROOT, exclude: (file) => file.endsWith('kinds.ts') })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n');
  const ids = Object.values<Kind>(KINDS).flatMap(({ checks }) => checks);
  expect(ids.filter((id) => !new RegExp(`['\`]${id.replace('*', '')}`).test(code))).toEqual([]);
});
