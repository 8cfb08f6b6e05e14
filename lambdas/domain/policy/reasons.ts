/** Explains why a statement applies or does not. */
import type { ConditionJudgement } from './conditions.ts';
import type { Condition } from './document.ts';
import { misnamedKey } from './keys.ts';
import type { PolicyRequest, Reason } from './request.ts';
import type { StatementJudgement } from './statements.ts';

const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

function list(values: readonly string[], between: string): string {
  const [some, more] = [values.slice(0, 5).map((value) => (value === '' ? '""' : short(value))), values.length - 5];
  return more > 0 ? `${some.join(between)}${between}${more} more` : some.join(between);
}

export const principalName = ({ principal }: PolicyRequest): string => {
  if (!principal) return 'the role';
  return 'unknown' in principal ? principal.unknown : (principal.values[0] ?? 'no principal');
};

const requirement = ({ operator, wanted }: Condition): string =>
  operator.toLowerCase() === 'null'
    ? `${operator} requires it to be ${wanted.map((value) => (value === 'true' ? 'absent' : 'present')).join(' or ')}`
    : `${operator} requires ${list(wanted, ' or ')}`;

/** Describes a condition, as in `aws:SourceArn is arn:…:cluster/dev, ArnEquals requires arn:…:cluster/prod`. */
function sentence({ condition, truth, found, why }: ConditionJudgement): string {
  const { key } = condition;
  if (truth === 'unknown')
    return why === undefined
      ? `${short(key)} is not known in advance, ${requirement(condition)}`
      : `${short(key)}: ${why}`;
  const there =
    found === undefined
      ? 'is part of the request'
      : found.length === 0
        ? 'is not part of the request'
        : `is ${list(found, ', ')}`;
  const misnamed = found?.length === 0 ? misnamedKey(key) : undefined;
  return `${short(key)} ${there}, ${requirement(condition)}${misnamed === undefined ? '' : `: ${short(misnamed)}`}`;
}

type Basics = Pick<Reason, 'statement' | 'effect' | 'action'>;

const basics = ({ statement }: StatementJudgement, request: PolicyRequest): Basics => ({
  statement: statement.label,
  effect: statement.effect,
  action: request.action,
});

const label = ({ statement }: StatementJudgement): string => `"${short(statement.label)}"`;

const fields = ({ condition, found }: ConditionJudgement): Pick<Reason, 'operator' | 'key' | 'wanted' | 'found'> => ({
  operator: condition.operator,
  key: condition.key,
  wanted: condition.wanted,
  ...(found === undefined ? {} : { found: [...found] }),
});

/** Returns the reason for a condition that prevents a statement from applying, or leaves it undecided. */
const conditionReason = (
  judged: StatementJudgement,
  condition: ConditionJudgement,
  request: PolicyRequest,
): Reason => ({
  message: `${label(judged)}: ${sentence(condition)}`,
  ...basics(judged, request),
  ...fields(condition),
});

/** Returns the reason for a statement that applies. For a Deny it includes its conditions, the first one as fields. */
export function appliesReason(judged: StatementJudgement, request: PolicyRequest): Reason {
  const { statement, conditions, accepted } = judged;
  const [first] = conditions;
  const because = statement.effect === 'Deny' && first ? `: ${conditions.slice(0, 5).map(sentence).join('; ')}` : '';
  const acceptance =
    accepted.size > 0
      ? `, with ${list([...new Set([...accepted].flatMap((condition) => condition.undecided))], ' and ')} accepted`
      : '';
  return {
    message: `${label(judged)}: ${statement.effect === 'Deny' ? 'denies' : 'allows'} ${request.action} to ${principalName(request)}${because}${acceptance}`,
    ...basics(judged, request),
    ...(statement.effect === 'Deny' && first ? fields(first) : {}),
  };
}

/** Returns everything that leaves a statement undecided. */
export function undecidedReasons(judged: StatementJudgement, request: PolicyRequest): Reason[] {
  const reason = (why: string): Reason => ({ message: `${label(judged)}: ${why}`, ...basics(judged, request) });
  const open = judged.conditions.filter(
    (condition) => condition.truth === 'unknown' && !judged.accepted.has(condition),
  );
  return [
    ...(judged.principal.truth === 'unknown' ? [reason(judged.principal.why ?? '')] : []),
    ...(judged.resource === 'unknown'
      ? [reason(`whether its resource includes ${request.resource ?? 'the requested resource'} cannot be decided`)]
      : []),
    ...open.map((condition) => conditionReason(judged, condition, request)),
  ];
}

/** Returns what prevents an Allow for this action and this principal from applying; nothing for any other Allow. */
export function nearReasons(judged: StatementJudgement, request: PolicyRequest): Reason[] {
  if (judged.action === 'no' || judged.principal.truth === 'no') return [];
  if (judged.resource === 'no')
    return [
      { message: `${label(judged)}: is not for ${request.resource ?? 'this resource'}`, ...basics(judged, request) },
    ];
  return judged.conditions
    .filter((condition) => condition.truth === 'no')
    .map((condition) => conditionReason(judged, condition, request));
}

/** Returns the reason for an Allow that names this principal but not the action, as often happens with sts:TagSession. */
export function otherActionReasons(judged: StatementJudgement, request: PolicyRequest): Reason[] {
  if (judged.action !== 'no' || judged.principal.truth !== 'yes') return [];
  const { negated, patterns } = judged.statement.action;
  const allowed = `${negated ? 'all but ' : ''}${list(patterns, ', ')}`;
  return [
    {
      message: `${label(judged)}: is for ${principalName(request)}, but allows ${allowed} and not ${request.action}`,
      ...basics(judged, request),
      wanted: patterns,
      found: [request.action],
    },
  ];
}
