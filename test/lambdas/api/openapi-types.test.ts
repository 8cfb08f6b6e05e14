/** The TypeScript types of the API's document. scripts/check-api.sh compares them with those of openapi-typescript. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../lambdas/api/operations.ts';
import { OPENAPI_FILE } from '../../../scripts/openapi.ts';
import { type TypedDocument, typesText } from '../../../scripts/openapi/types.ts';

const schemasText = (schemas: TypedDocument['components']['schemas']): string => {
  const text = typesText({ paths: {}, components: { schemas } });
  const [, inside = ''] = /^    schemas: \{\n([^]*?)\n    \};$/m.exec(text) ?? [];
  return inside.replaceAll(/^ {8}/gm, '');
};

describe('the types of the API', () => {
  const text = typesText(JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as TypedDocument);

  it('have every operation and every named schema once', () => {
    const [, operations = ''] = text.split('export interface operations ');
    expect([...operations.matchAll(/^    (\w+): \{$/gm)].map(([, id = '']) => id).toSorted()).toEqual(
      Object.keys(OPERATIONS).toSorted(),
    );
    const { components } = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as TypedDocument;
    for (const name of Object.keys(components.schemas))
      expect(text.match(new RegExp(`^        ${name}: `, 'gm'))).toHaveLength(1);
    expect(text).not.toContain('undefined');
  });

  it('show optional, constant, listed and nested values with their descriptions', () =>
    expect(
      schemasText({
        Target: {
          type: 'object',
          required: ['region', 'kind'],
          properties: {
            region: { type: 'string', description: 'A region.' },
            kind: { const: 'cluster', type: 'string', default: 'cluster' },
            'x-tags': { type: 'object', additionalProperties: { type: 'integer' } },
            modes: { type: 'array', items: { enum: ['a', 'b'], type: 'string' }, example: ['a'] },
            other: { anyOf: [{ $ref: '#/components/schemas/Other' }, { type: 'boolean' }] },
          },
          additionalProperties: false,
        },
        Other: { type: 'object' },
      }),
    ).toBe(
      `Target: {
    /** @description A region. */
    region: string;
    /**
     * @default cluster
     * @constant
     */
    kind: "cluster";
    "x-tags"?: {
        [key: string]: number;
    };
    /**
     * @example [
     *       "a"
     *     ]
     */
    modes?: ("a" | "b")[];
    other?: components["schemas"]["Other"] | boolean;
};
Other: Record<string, never>;`,
    ));

  it('refuse a kind of schema that they could not show', () =>
    expect(() => schemasText({ Nothing: { type: 'null' } })).toThrow('cannot show a schema of the type null'));
});
