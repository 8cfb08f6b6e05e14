/** The answer with a hand-off as a zod schema, next to those in `answers.ts`. */
import { z } from 'zod';
import { handOff, handOffFormat } from '../domain/terms/hand-off.ts';
import { migrationId } from '../domain/text/names.ts';
import { schemaNames } from '../domain/text/schemas.ts';
import { LINKS, links } from './answers.ts';

/** `text` is code and comments of the tool, ready to paste. */
export const handOffAnswer = z
  .object({
    migrationId: migrationId.describe('Id of the plan or migration.'),
    handOff: handOff.describe("What the owner's code must contain."),
    format: handOffFormat.optional().describe('Tool of the text. Absent if the request names none.'),
    text: z.string().optional().describe('The hand-off for that tool. Absent if the request names none.'),
    links: links.describe(LINKS),
  })
  .register(schemaNames, { name: 'HandOffAnswer' });
