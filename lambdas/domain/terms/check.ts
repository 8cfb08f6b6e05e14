/**
 * The result of one check of a plan or of a retirement, and its constructors. `fail` and `unknown` block; `warn` does not.
 * Constructors make quoted data printable.
 */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';
import { asClause, printable, shown, shownText } from '../text/text.ts';

export const check = z
  .object({
    // See `plan/checks.ts`.
    id: z.string().describe('Id of the check, in kebab case. It does not change.'),
    status: z
      .enum(['pass', 'warn', 'fail', 'unknown'])
      .describe(
        'Result of the check. `fail` blocks, and so does `unknown`: what could not be determined may not be assumed.',
      ),
    // Set by the constructor of the same name.
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

export const GUIDE = 'EKS User Guide';

export const pass = (id: string, message: string): Check => ({
  id,
  status: 'pass',
  message: printable(message),
});

const withRemedy =
  (status: Exclude<Check['status'], 'pass'>) =>
  (id: string, message: string, remedy: string, source?: string): Check => ({
    id,
    status,
    message: printable(message),
    remedy: printable(remedy),
    ...(source === undefined ? {} : { source }),
  });

export const fail = withRemedy('fail');
export const warn = withRemedy('warn');
export const unknown = withRemedy('unknown');

/**
 * Fails for a reason for which IRSA is the better fit, so that the verdict is `keep-irsa` (`fit.ts`). The remedy begins
 * with "Keep IRSA", and goes on with what to change to migrate all the same.
 */
export const keepIrsa = (...given: Parameters<typeof fail>): Check => ({ ...fail(...given), keepIrsa: true });

/** Longer errors quote what extensions of the API server wrote. */
const LONGEST_ERROR = 300;

/**
 * Returns why a read failed, as a clause. Of a refusal, the status is enough: the user's name and a remedy
 * follow, and the check has its own remedy.
 */
export const whyUnread = (error: string): string =>
  /^The API server answered 40[13] [^:]*(?=: )/.exec(error)?.[0] ?? asClause(shown(error, LONGEST_ERROR));

/** Returns the first five names of a list, and the number of the others. */
export const some = (names: readonly string[], separator = ', '): string =>
  names.length > 5 ? `${names.slice(0, 5).join(separator)} and ${names.length - 5} more` : names.join(separator);
