/** Zod schemas for the typed text of flags that several commands share. */
import { z } from 'zod';

export const oneOf = <Value extends string>(schema: z.ZodType<Value> & { options: Value[] }) =>
  z
    .string()
    .refine(
      (value) => schema.safeParse(value).success,
      `must be ${schema.options.join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
    )
    .transform((value) => schema.parse(value));

/** Parses digits as a number; any other text becomes NaN, which the schema rejects with its own message. */
export const wholeNumber = (schema: z.ZodType<number, number>) =>
  z
    .string()
    .transform((typed) => (/^\d{1,9}$/.test(typed) ? Number(typed) : Number.NaN))
    .pipe(schema);
