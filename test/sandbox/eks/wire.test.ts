import { describe, expect, it } from 'vitest';
import { decodeInput, outputFaults } from '../../../sandbox/eks/wire.ts';
import { findOperation, operations } from '../../../sandbox/eks/model.ts';

const decode = (
  method: string,
  path: string,
  options: { query?: Record<string, string | string[]>; body?: unknown; raw?: string } = {},
): Record<string, unknown> => {
  const { operation, labels } = findOperation(method, path)!;
  const text = options.raw ?? (options.body === undefined ? '' : JSON.stringify(options.body));
  return decodeInput(operation, labels, {
    method,
    host: 'eks',
    path,
    query: options.query ?? {},
    headers: {},
    body: Buffer.from(text),
  });
};
const refusal = (run: () => unknown): [string, string] => {
  try {
    run();
  } catch (error) {
    return [(error as Error).name, (error as Error).message];
  }
  throw new Error('expected a refusal');
};

const LENGTH = 'Member must have length';

describe('decoding a request', () => {
  it('reads members from path, query and body', () => {
    expect(decode('DELETE', '/clusters/shop/addons/vpc-cni', { query: { preserve: 'true' } })).toEqual({
      clusterName: 'shop',
      addonName: 'vpc-cni',
      preserve: true,
    });
    expect(decode('GET', '/clusters', { query: { maxResults: '7', nextToken: 'x' } })).toEqual({
      maxResults: 7,
      nextToken: 'x',
    });
    expect(
      decode('GET', '/addons/supported-versions', { query: { types: ['storage', 'security'], owners: 'aws' } }),
    ).toEqual({ types: ['storage', 'security'], owners: ['aws'] });
    expect(decode('GET', '/tags/arn%3Aaws%3Aeks%3Ax%2Fy')).toEqual({ resourceArn: 'arn:aws:eks:x/y' });
  });

  it('drops null and unknown members, and keeps an empty list and an empty role', () => {
    const body = { addonVersion: null, surprise: 1, podIdentityAssociations: [], serviceAccountRoleArn: '' };
    expect(decode('POST', '/clusters/shop/addons/vpc-cni/update', { body })).toEqual({
      clusterName: 'shop',
      addonName: 'vpc-cni',
      podIdentityAssociations: [],
      serviceAccountRoleArn: '',
    });
  });

  const LONG = `/clusters/${'c'.repeat(101)}/addons`;
  it.each([
    ['a missing member', {}, "Value null at 'addonName' failed to satisfy constraint: Member must not be null"],
    [
      'a missing member of a list’s structure',
      { addonName: 'x', podIdentityAssociations: [{ serviceAccount: 's' }] },
      "Value null at 'podIdentityAssociations.1.member.roleArn' failed",
    ],
    [
      'a wrong type',
      { addonName: 7 },
      "Value '7' at 'addonName' failed to satisfy constraint: Member must be a string",
    ],
    [
      'a value that is not a list',
      { addonName: 'x', podIdentityAssociations: {} },
      "Value '{}' at 'podIdentityAssociations' failed to satisfy constraint: Member must be a list",
    ],
    [
      'an unknown mode',
      { addonName: 'x', resolveConflicts: 'FORCE' },
      'Member must satisfy enum value set: [NONE, OVERWRITE, PRESERVE]',
    ],
    [
      'a role that is too long',
      { addonName: 'x', serviceAccountRoleArn: 'r'.repeat(256) },
      `${LENGTH} less than or equal to 255`,
    ],
    [
      'an empty namespace',
      { addonName: 'x', namespaceConfig: { namespace: '' } },
      `Value '' at 'namespaceConfig.namespace' failed to satisfy constraint: ${LENGTH} greater than or equal to 1`,
    ],
    [
      'tags that are not a map',
      { addonName: 'x', tags: {} },
      `at 'tags' failed to satisfy constraint: ${LENGTH} greater than or equal to 1`,
    ],
    ['a tag that is too long', { addonName: 'x', tags: { a: 'v'.repeat(257) } }, `${LENGTH} less than or equal to 256`],
    [
      'a cluster name with invalid characters',
      { addonName: 'x' },
      'Member must satisfy regular expression pattern',
      '/clusters/-shop/addons',
    ],
    ['a cluster name that is too long', { addonName: 'x' }, `${LENGTH} less than or equal to 100`, LONG],
  ])('rejects %s', (_what, body, message, path = '/clusters/shop/addons') => {
    const [name, text] = refusal(() => decode('POST', path, { body }));
    expect(name).toBe('InvalidParameterException');
    expect(text).toContain(message);
  });

  it.each([
    ['0', 'Member must have value greater than or equal to 1'],
    ['101', 'Member must have value less than or equal to 100'],
    ['many', 'Member must be a number'],
  ])('rejects maxResults=%s', (maxResults, message) =>
    expect(
      refusal(() => decode('GET', '/clusters/shop/pod-identity-associations', { query: { maxResults } }))[1],
    ).toContain(message),
  );

  it('rejects a tag key that is too long, in a list', () =>
    expect(
      refusal(() => decode('DELETE', '/tags/arn', { query: { tagKeys: ['team', 'k'.repeat(129)] } }))[1],
    ).toContain("at 'tagKeys' failed to satisfy constraint: Member must have length less than or equal to 128"));

  it.each(['{', '[]', '"text"'])('rejects the body %s', (raw) =>
    expect(refusal(() => decode('POST', '/clusters/shop/addons', { raw }))[0]).toBe('SerializationException'),
  );

  it('rejects a path with invalid percent-encoding', () =>
    expect(refusal(() => decode('GET', '/clusters/%E0%A4%A'))[1]).toContain('%E0%A4%A'));
});

describe('checking a response', () => {
  const { output } = operations.find(({ name }) => name === 'DescribeAddon')!;
  const good = {
    addonName: 'vpc-cni',
    status: 'ACTIVE',
    createdAt: 1_768_467_600.5,
    tags: { a: 'b' },
    health: { issues: [{ code: 'AccessDenied', message: '', resourceIds: ['x'] }] },
    podIdentityAssociations: ['arn'],
  };

  it('finds no fault in a valid response with undefined members', () =>
    expect(outputFaults(output, { addon: { ...good, configurationValues: undefined } })).toEqual([]));

  it.each([
    [{ addonName: 1 }, 'addon.addonName must be a string'],
    [{ addonNam: 'x' }, 'addon.addonNam is not a member of Addon'],
    [{ createdAt: '2026-01-15T09:00:00Z' }, 'addon.createdAt must be a number of seconds since 1970'],
    [{ createdAt: 1_768_467_600_500 }, 'addon.createdAt must be a number of seconds since 1970'],
    [{ status: 'FINE' }, 'addon.status: Member must satisfy enum value set'],
    [{ podIdentityAssociations: 'arn' }, 'addon.podIdentityAssociations must be a list'],
    [{ podIdentityAssociations: [1] }, 'addon.podIdentityAssociations[0] must be a string'],
    [{ tags: { a: 1 } }, 'addon.tags.a must be a string'],
    [{ health: [] }, 'addon.health must be a structure'],
    [{ health: { issues: [{ code: 'Boredom' }] } }, 'addon.health.issues[0].code: Member must satisfy enum value set'],
  ])('finds the fault in %j', (change, fault) =>
    expect(outputFaults(output, { addon: { ...good, ...change } })).toEqual([expect.stringContaining(fault)]),
  );
});
