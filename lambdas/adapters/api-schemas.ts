/** Schemas that the API server's objects share. */
import { z } from 'zod';
import { shownText } from '../domain/text/text.ts';

// The schemas have only the fields that are used, because each API version adds fields. Go writes empty lists and maps
// as null.
export const listOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
export const mapOf = <T extends z.ZodType<string>>(value: T) =>
  z
    .record(shownText, value)
    .nullish()
    .transform((map) => map ?? {});
export const strings = mapOf(shownText);

export const conditions = listOf(
  z.object({ type: shownText, status: shownText, lastTransitionTime: shownText.nullish() }),
);

type ApiConditions = z.infer<typeof conditions>;
export const readyCondition = (all: ApiConditions | undefined): ApiConditions[number] | undefined =>
  all?.find((condition) => condition.type === 'Ready');
export const isReady = (all: ApiConditions | undefined): boolean => readyCondition(all)?.status === 'True';
