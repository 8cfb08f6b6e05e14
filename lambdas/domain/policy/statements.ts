/** Evaluates whether a statement applies to a request: its action, principal, resource and all of its conditions. */
import { judgeCondition, type ConditionJudgement } from './conditions.ts';
import type { Patterns, Statement } from './document.ts';
import { judgePrincipal, type PrincipalJudgement } from './principals.ts';
import type { PolicyRequest } from './request.ts';
import { all, any, not, type Truth } from './truth.ts';
import { hasVariables, resolve } from './variables.ts';
import { compile, matches, matchesAnything, matchesWildcard } from './wildcard.ts';

export interface StatementJudgement {
  statement: Statement;
  /** Whether it applies, without the keys that the caller accepts. */
  plain: Truth;
  /** Whether it applies, with these keys. */
  truth: Truth;
  action: Truth;
  principal: PrincipalJudgement;
  resource: Truth;
  conditions: ConditionJudgement[];
  /** Conditions that are decided only because their keys are accepted. */
  accepted: ReadonlySet<ConditionJudgement>;
  steps: number;
}

/** "Action names are case-insensitive" (IAM User Guide, "Action"). */
function judgeAction({ patterns, negated }: Patterns, action: string): Truth {
  const wanted = action.toLowerCase();
  const listed = patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), wanted));
  return listed === negated ? 'no' : 'yes';
}

/**
 * "You can't use a variable to replace parts of the ARN before the fifth colon" (IAM User Guide, "Variables and tags").
 */
const hasEarlyVariable = (pattern: string): boolean => pattern.slice(0, pattern.indexOf('${')).split(':').length <= 5;

function matchesResource(pattern: string, statement: Statement, request: PolicyRequest): Truth {
  if (hasVariables(pattern, statement.version) && hasEarlyVariable(pattern)) return 'unknown';
  const resolved = resolve(pattern, statement.version, request);
  if (resolved.state !== 'text') return resolved.state === 'nothing' ? 'no' : 'unknown';
  const compiled = compile(resolved.parts);
  if (matchesAnything(compiled)) return 'yes';
  return request.resource === undefined ? 'unknown' : matches(compiled, request.resource) ? 'yes' : 'no';
}

function judgeResource(statement: Statement, request: PolicyRequest): Truth {
  if (!statement.resource) return 'yes';
  const listed = any(statement.resource.patterns.map((pattern) => matchesResource(pattern, statement, request)));
  return statement.resource.negated ? not(listed) : listed;
}

const isAccepted = ({ truth, undecided }: ConditionJudgement, acceptedKeys: ReadonlySet<string>): boolean =>
  truth === 'unknown' && undecided.every((key) => acceptedKeys.has(key.toLowerCase()));

/**
 * Evaluates one statement. An undecided condition on one of `acceptedKeys`, which are in lower case, counts as met in an
 * Allow and as not met in a Deny.
 */
export function judgeStatement(
  statement: Statement,
  request: PolicyRequest,
  acceptedKeys: ReadonlySet<string>,
): StatementJudgement {
  const action = judgeAction(statement.action, request.action);
  const principal: PrincipalJudgement = statement.principals
    ? judgePrincipal(statement.principals, request)
    : { truth: 'yes', steps: 0 };
  const resource = judgeResource(statement, request);
  const before = all([action, principal.truth, resource]);
  const conditions =
    before === 'no'
      ? []
      : statement.conditions.map((condition) => judgeCondition(condition, statement.version, request));
  const accepted = new Set(conditions.filter((condition) => isAccepted(condition, acceptedKeys)));
  const lenient = statement.effect === 'Allow' ? 'yes' : 'no';
  return {
    statement,
    plain: all([before, ...conditions.map((condition) => condition.truth)]),
    truth: all([before, ...conditions.map((condition) => (accepted.has(condition) ? lenient : condition.truth))]),
    action,
    principal,
    resource,
    conditions,
    accepted,
    steps:
      statement.action.patterns.length +
      principal.steps +
      (statement.resource?.patterns.length ?? 0) +
      conditions.reduce((sum, condition) => sum + condition.steps, 0),
  };
}
