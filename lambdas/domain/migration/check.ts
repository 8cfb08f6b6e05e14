/** The result of one check of a plan or of a retirement. */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

export const check = z
  .object({
    // See `plan/checks.ts`.
    id: z.string().describe('Id of the check, in kebab case. It does not change.'),
    status: z
      .enum(['pass', 'warn', 'fail', 'unknown'])
      .describe(
        'Result of the check. `fail` blocks, and so does `unknown`: what could not be determined may not be assumed.',
      ),
    // Set by the constructor of the same name in `plan/check.ts`.
    keepIrsa: z
      .literal(true)
      .optional()
      .describe('True if it fails for a reason for which IRSA is the better fit. Absent otherwise.'),
    message: shownText.describe('What was found, with names.'),
    remedy: shownText.optional().describe('What to do about it. Absent if the check passed.'),
    source: shownText.optional().describe('Where the rule comes from: a page of the EKS User Guide, or an issue.'),
  })
  .register(schemaNames, { name: 'Check' });
export type Check = z.infer<typeof check>;
