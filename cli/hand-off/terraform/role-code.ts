/** Chooses how code refers to a role: references stay references. */
import { hclString } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { Located } from './scope.ts';
import { textOf } from './syntax.ts';
import { isRoleArn } from './value.ts';

/**
 * Returns the expression for the ARN of a role: one that the code already has and that gives this role, a reference to
 * the role's resource, or the ARN itself. `former` is the expression of the former role with the ARN that it gave: if
 * that is the same role, it need not be evaluated.
 */
export function roleCode(
  scope: Located['scope'],
  arn: string,
  used: readonly Located[],
  former?: Located & { gave: string | undefined },
): string {
  const answers = [...(former ? [former] : []), ...used].map((one) => ({
    one,
    answer: isRoleArn(one.scope.valueOf(one.expression), arn),
  }));
  const known = answers.find(({ answer }) => answer === 'yes')?.one;
  if (known !== undefined) return textOf(known.file, known.expression);
  if (former?.gave === arn && answers[0]?.answer === 'unknown') return textOf(former.file, former.expression);
  return scope.roleReference(arn) ?? hclString(arn);
}
