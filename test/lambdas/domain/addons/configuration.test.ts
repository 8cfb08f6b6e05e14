import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateConfiguration } from '../../../../lambdas/domain/addons/configuration.ts';
import { matching } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

/** In the form of EKS's own schemas. */
const schema = JSON.stringify({
  $ref: '#/definitions/EbsCsi',
  $schema: 'http://json-schema.org/draft-06/schema#',
  definitions: {
    EbsCsi: {
      type: 'object',
      additionalProperties: false,
      properties: {
        controller: { $ref: '#/definitions/Controller' },
        list: { type: 'array', items: { type: 'integer' } },
        mode: { enum: ['fast', 'slow'] },
        either: { anyOf: [{ type: 'string', pattern: '^on$' }, { type: 'boolean' }] },
      },
    },
    Controller: {
      type: 'object',
      additionalProperties: false,
      properties: { replicaCount: { type: 'integer', minimum: 1 } },
    },
  },
});
const judge = (raw: string | undefined, text: string | undefined = schema) => validateConfiguration(raw, text);

describe('validateConfiguration', () => {
  it.each([
    ['none', undefined],
    ['blank', ' \n'],
    ['JSON', '{"controller":{"replicaCount":2},"mode":"fast"}'],
    ['YAML', 'controller:\n  replicaCount: 2 # as it was\nlist: [1, 2]\n'],
    ['one of several forms', 'either: true'],
    ['an empty object', '{}'],
  ])('takes %s', (_, raw) => expect(judge(raw)).toEqual({ verdict: 'valid' }));

  const UNDEFINED = 'is not defined in the schema, which allows no other properties';
  it.each<[string, string, string[]]>([
    [
      'of the wrong type',
      '{"controller":{"replicaCount":"hush"}}',
      ['/controller/replicaCount: Instance type "string" is invalid. Expected "integer"'],
    ],
    ['that the schema does not know', 'podAnnotations: {a: b}', [`/podAnnotations: ${UNDEFINED}`]],
    ['that a part of the schema does not know', 'controller: {x: 1}', [`/controller/x: ${UNDEFINED}`]],
    ['in a list', 'list: [1, hush]', ['/list/1: Instance type "string" is invalid. Expected "integer"']],
    [
      'next to another error',
      '{"list":1,"mode":"hush"}',
      [
        '/list: Instance type "number" is invalid. Expected "array"',
        '/mode: Instance does not match any of ["fast","slow"]',
      ],
    ],
    ['that are null', 'null', ['/: Instance type "null" is invalid. Expected "object"']],
  ])('refuses values %s, and names their location instead of their value', (_, raw, errors) => {
    expect(judge(raw)).toEqual({ verdict: 'invalid', errors });
    expect(JSON.stringify(judge(raw))).not.toContain('hush');
  });
  it('reports all errors if no form matches', () =>
    expect(judge('either: off')).toMatchObject({
      verdict: 'invalid',
      errors: expect.arrayContaining([matching(/^\/either: /)]) as string[],
    }));

  it.each([
    ['neither JSON nor YAML', 'controller: [', /^they are neither JSON nor YAML \([A-Z_]+ at character \d+\)$/],
    ['several documents', 'a: 1\n---\nb: 2\n', /^they are neither JSON nor YAML \(MULTIPLE_DOCS/],
    ['an alias that leads nowhere', 'a: *b', /YAML/],
  ])('refuses %s, schema or not', (_, raw, error) => {
    for (const text of [schema, undefined])
      expect(validateConfiguration(raw, text)).toEqual({ verdict: 'invalid', errors: [matching(error)] });
  });
  it('refuses an alias that expands excessively', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*l${level - 1}`)).join(', ')}]`,
    );
    expect(judge(levels.join('\n'))).toMatchObject({ verdict: 'invalid' });
  });

  it.each([
    ['is not there', undefined, /returns no schema/],
    ['is not JSON', '{', /cannot be parsed/],
    ['is no schema', '[]', /not a JSON Schema/],
    ['refers to nothing', '{"$ref":"#/definitions/none"}', /cannot be evaluated/],
  ])('does not decide if the schema %s', (_, text, why) =>
    expect(validateConfiguration('{"a":1}', text)).toEqual({ verdict: 'unknown', why: matching(why) }),
  );

  it.each([
    'http://json-schema.org/draft-04/schema#',
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2019-09/schema',
    'https://json-schema.org/draft/2020-12/schema',
    undefined,
  ])('knows drafts: %s', ($schema) => {
    const properties = { a: { type: 'integer' } };
    const text = JSON.stringify({ $schema, type: 'object', properties, additionalProperties: false });
    expect([judge('a: 1', text).verdict, judge('a: x', text).verdict]).toEqual(['valid', 'invalid']);
  });

  it('never throws', () =>
    forAllIn(
      500,
      fc.oneof(fc.string(), fc.json()),
      fc.oneof(fc.string(), fc.json(), fc.constant(schema)),
      (raw, text) => expect(['valid', 'invalid', 'unknown']).toContain(validateConfiguration(raw, text).verdict),
    ));
});
