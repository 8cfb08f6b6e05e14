/** Kinds of flags that several commands have, as zod schemas: each takes what was typed. */
import { z } from 'zod';

export const oneOf = <Value extends string>(schema: z.ZodType<Value> & { options: Value[] }) =>
  z
    .string()
    .refine(
      (value) => schema.safeParse(value).success,
      `must be ${schema.options.join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
    )
    .transform((value) => schema.parse(value));

/** Digits, judged as the number that they are; anything else by what the schema says of it. */
export const wholeNumber = (schema: z.ZodType<number, number>) =>
  z
    .string()
    .transform((typed) => (/^\d{1,9}$/.test(typed) ? Number(typed) : Number.NaN))
    .pipe(schema);
