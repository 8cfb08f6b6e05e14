/** A remedy of several lines: each command in a line of its own, so that it can be copied. */
import { type Check, fail } from '../../lambdas/domain/terms/check.ts';
import { printable } from '../../lambdas/domain/text/text.ts';

export const failLines = (id: string, message: string, remedy: readonly string[]): Check => ({
  ...fail(id, message, ''),
  remedy: remedy.map(printable).join('\n'),
});
