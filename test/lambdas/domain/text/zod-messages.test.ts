import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ZOD_MESSAGES } from '../../../../lambdas/domain/text/zod-messages.ts';
import { problemsOf } from '../../../../lambdas/domain/text/problems.ts';
import { forAllIn } from '../../../for-all.ts';

const words = (schema: z.ZodType, value: unknown) => problemsOf(schema.safeParse(value, ZOD_MESSAGES).error!, 'it');

describe('what is wrong with a value', () => {
  it.each<[string, z.ZodType, unknown, string]>([
    ['another kind', z.string(), 1, 'it: must be text'],
    ['no number', z.number(), 'x', 'it: must be a number'],
    ['no whole number', z.int(), 1.5, 'it: must be a whole number'],
    ['neither true nor false', z.boolean(), 'true', 'it: must be true or false'],
    ['no list', z.array(z.string()), {}, 'it: must be a list'],
    ['no object', z.strictObject({}), [], 'it: must be an object'],
    ['nothing', z.object({ a: z.string() }), {}, 'a: is missing'],
    ['nothing of several', z.object({ a: z.enum(['x']) }), {}, 'a: is missing'],
    ['another choice', z.enum(['x', 'y']), 'z', 'it: must be one of "x", "y"'],
    ['another value', z.literal(true), false, 'it: must be true'],
    ['empty', z.string().min(1), '', 'it: must not be empty'],
    ['short', z.string().min(3), '', 'it: must have at least 3 characters'],
    ['long', z.string().max(1), 'xx', 'it: must have at most 1 character'],
    ['many', z.array(z.int()).max(2), [1, 2, 3], 'it: must have at most 2 entries'],
    ['none', z.array(z.int()).min(1), [], 'it: must not be empty'],
    ['small', z.number().min(2), 1, 'it: must be at least 2'],
    ['not positive', z.number().positive(), 0, 'it: must be more than 0'],
    ['large', z.number().max(2), 3, 'it: must be at most 2'],
    ['too large', z.number().lt(2), 2, 'it: must be less than 2'],
    ['no multiple', z.number().multipleOf(5), 2, 'it: must be a multiple of 5'],
    ['no time', z.iso.datetime(), 'x', 'it: must be a time such as 2026-01-15T09:00:00Z'],
    ['another form', z.string().regex(/^a$/), 'x', 'it: must match the pattern /^a$/'],
    ['none of several', z.union([z.string(), z.number()]), true, 'it: has none of the allowed forms'],
    ['refused', z.string().refine(() => false), 'x', 'it: is not allowed'],
    ['an unknown field', z.strictObject({}), { a: 1 }, 'it: has unknown fields: a'],
    ["a schema's own words", z.string('must be a name'), 1, 'it: must be a name'],
  ])('has a message for %s', (_, schema, value, expected) => expect(words(schema, value)).toBe(expected));

  it("never has zod's own message, and never repeats the value", () => {
    const leaf = fc.constantFrom<z.ZodType>(
      z.string().min(2).max(3),
      z.int().min(2).max(9),
      z.boolean(),
      z.enum(['a', 'b']),
      z.literal('a'),
      z.iso.date(),
      z.email(),
      z.null(),
      z.union([z.string(), z.int()]),
      z.record(z.string().regex(/^a/), z.number()),
      z.tuple([z.string()]),
      z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
    );
    forAllIn(2000, leaf, fc.oneof(fc.jsonValue(), fc.constant(undefined)), (schema, value) => {
      const whole = z.strictObject({ a: schema, b: z.array(schema) });
      for (const given of [{ a: value, b: [value] }, { a: value }, value]) {
        const parsed = whole.safeParse(given, ZOD_MESSAGES);
        if (parsed.success) continue;
        for (const { message } of parsed.error.issues)
          expect(message).toMatch(/^(must |has |is (missing|not allowed))/);
      }
    });
  });
});
