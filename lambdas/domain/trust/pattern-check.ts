/**
 * Checks the patterns that a retirement removes from a trust policy: every other service account that may use the role by
 * such a pattern has another source of credentials, or is accepted by name.
 */
import { nameOfConsumer } from '../consumers/model.ts';
import { acceptFlags, accepts, isAcceptable } from '../acceptance/accept.ts';
import { type Check, fail, pass, some } from '../terms/check.ts';
import { shellCommand } from '../text/shell.ts';
import { nameOf, type ServiceAccountUse } from './statements.ts';

const ID = 'retire-pattern';
/** The most service accounts whose acceptance is printed one by one. */
const MOST_FLAGS = 20;

export interface PatternFacts {
  roleArn: string;
  cluster: string;
  /** Subjects with wildcards that are removed, or `*` for a statement without a condition on the subject. */
  patterns: readonly string[];
  /** The other service accounts that exist and may use the role by the patterns alone. */
  others: readonly ServiceAccountUse[];
  /** The service accounts with an association: `namespace/name`. */
  associated: ReadonlySet<string>;
  /** The service accounts that the role is annotated on: `namespace/name`. */
  annotated: ReadonlySet<string>;
  /** What the request accepts. */
  accept: readonly string[] | undefined;
}

/** Returns the name by which a request accepts a service account. */
const nameOfAccount = ({ namespace, serviceAccount }: ServiceAccountUse): string =>
  nameOfConsumer({ kind: 'ServiceAccount', namespace, name: serviceAccount });

/** Returns patterns in quotation marks; for a statement without one, what it means. */
export const patternText = (patterns: readonly string[]): string =>
  some(patterns.map((one) => (one === '*' ? 'a statement for every subject' : `"${one}"`)));

function remedyOf({ patterns, annotated, cluster }: PatternFacts, lacking: readonly ServiceAccountUse[]): string {
  const unused = lacking.filter((one) => !annotated.has(nameOf(one)));
  const each =
    lacking.length > MOST_FLAGS
      ? '.'
      : `, or accept each by name if nothing needs the role by it: ${acceptFlags('consumer', lacking.map(nameOfAccount))}.`;
  const whole =
    unused.length < 2 || !patterns.every((one) => isAcceptable('consumer', one))
      ? ''
      : ` To accept those without the annotation together, accept the pattern: ${acceptFlags('consumer', patterns)}.`;
  return `Give each an EKS Pod Identity association${each}${whole} To show how each can be migrated: ${shellCommand(['pod-identity', 'plan', '--cluster', cluster])}`;
}

/**
 * Returns the check. A pattern that is accepted by name stands for its service accounts that do not have the role in
 * their annotation; one that has it must be accepted by its own name.
 */
export function checkPatterns(facts: PatternFacts): Check {
  const { roleArn, patterns, others, associated, annotated } = facts;
  const isWhole = patterns.every((one) => accepts(facts, 'consumer', one));
  const without = others.filter((one) => !associated.has(nameOf(one)));
  const lacking = without.filter(
    (one) => !accepts(facts, 'consumer', nameOfAccount(one)) && !(isWhole && !annotated.has(nameOf(one))),
  );
  const trust = `Role ${roleArn} trusts service accounts of this cluster by ${patternText(patterns)}`;
  if (others.length === 0) return pass(ID, `${trust}, and no other service account that exists matches.`);
  if (without.length === 0)
    return pass(
      ID,
      `${trust}. All ${others.length} others that exist and match have an association: ${some(others.map(nameOf))}.`,
    );
  if (lacking.length === 0)
    return pass(
      ID,
      `${trust}. Of ${others.length} others that exist and match, ${others.length - without.length} have an association, and the rest are accepted by name: ${some(without.map(nameOf))}.`,
    );
  // Those that name the role come first, since they are most likely to use it.
  const shown = [
    ...lacking
      .filter((one) => annotated.has(nameOf(one)))
      .map((one) => `${nameOf(one)} (with the role in its annotation)`),
    ...lacking.filter((one) => !annotated.has(nameOf(one))).map(nameOf),
  ];
  return fail(
    ID,
    `${trust}, and ${lacking.length} of ${others.length} others that exist and match have no association and would lose the role: ${some(shown)}.`,
    remedyOf(facts, lacking),
    'EKS User Guide, "Assign IAM roles to Kubernetes service accounts"',
  );
}
