/** Consumers of a web identity as a plan shows them, as a zod schema. */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

export const plannedConsumer = z
  .object({
    name: z.string().describe('Name of the object: `KIND/NAMESPACE/NAME`, or `KIND/NAME` if it is cluster-scoped.'),
    serviceAccount: z
      .string()
      .describe('Service account whose web identity it uses: `NAMESPACE/NAME`. `*` for a part that is not known.'),
    needs: z
      .array(z.enum(['annotation', 'trust', 'pods']))
      .describe(
        "What it needs: the role in the service account's annotation, the OIDC trust of the role, or that the pods of the service account use IRSA.",
      ),
    roleArn: z
      .string()
      .optional()
      .describe('ARN of the role that it names itself. Absent if it uses the role of the annotation.'),
    how: shownText.describe('How it uses the identity.'),
    instead: shownText.describe('How it can get its credentials without the old identity.'),
    breaks: z.boolean().describe('Whether the migration takes from it what it needs.'),
    accepted: z.boolean().describe('Whether the request accepts it by its name.'),
  })
  .register(schemaNames, { name: 'PlannedConsumer' });
export type PlannedConsumer = z.infer<typeof plannedConsumer>;

/** The largest number of consumers that a plan lists, those that break first. */
export const MOST_PLANNED_CONSUMERS = 100;

/**
 * The most characters of them in a plan. Each is less than a thousand, unless names are as long as they can be; a plan is a
 * part of an item in DynamoDB, which may have 400 KB.
 */
const MOST_CHARACTERS = 100_000;

/** Returns the first of them, as many as fit into a plan. */
export function asManyAsFit(consumers: readonly PlannedConsumer[]): PlannedConsumer[] {
  let characters = 0;
  return consumers.filter((one) => (characters += JSON.stringify(one).length) <= MOST_CHARACTERS);
}
