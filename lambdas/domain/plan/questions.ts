/**
 * Groups the calls of a plan into questions to IAM's simulation. The condition keys of a question apply to all of its
 * calls. They are those that the calls have in common, so that IAM reports as missing what distinguishes the calls if the
 * policies depend on it. The exception is iam:PassedToService, on which nearly every policy that allows iam:PassRole
 * depends: calls that differ in it are never in one question.
 */
import { type Asking, type Call, type CallKeys, isOfAllSubjects } from './calls.ts';

type Context = CallKeys['known'];

/** A call, with the role that makes it and with its condition keys. */
export interface OpenCall {
  call: Call;
  key: string;
  principalArn: string;
  keys: CallKeys;
}

/** The subject of one question: calls of one role, and the condition keys that they are simulated with. */
export interface Question {
  principalArn: string;
  context: Context;
  calls: OpenCall[];
}

/** Returns the keys of a call by itself: all known ones except aws:ViaAWSService, which few policies use. */
const ownKeys = ({ keys: { known } }: OpenCall): Context =>
  Object.fromEntries(Object.entries(known).filter(([key]) => key !== 'aws:ViaAWSService'));

const isSame = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((value, index) => value === b[index]);

/** Returns whether the context has all of these keys, with these values. */
const includes = (context: Context, keys: Context): boolean =>
  Object.entries(keys).every(([key, values]) => isSame(values, context[key]));

/** Returns whether the context has every key that the call has by itself. */
export const isWhole = (context: Context, one: OpenCall): boolean => includes(context, ownKeys(one));

function commonKeys(calls: readonly OpenCall[], asking: Asking): Context {
  const [first = {}, ...others] = calls.map(ownKeys);
  return Object.fromEntries(
    Object.entries(first).filter(
      ([key, values]) =>
        (asking === 'exactly' || isOfAllSubjects(key)) && others.every((other) => isSame(values, other[key])),
    ),
  );
}

const groupsBy = <Value>(values: readonly Value[], keyOf: (one: Value) => unknown): Value[][] => [
  ...Map.groupBy(values, (one) => JSON.stringify(keyOf(one))).values(),
];

/**
 * Returns one question for each role and service that roles are passed to. Those whose context is whole for each of their
 * calls come first: their answers show whether an organization's policies take part.
 */
export function firstQuestions(open: readonly OpenCall[], asking: Asking): Question[] {
  const questions = groupsBy(open, ({ principalArn, call }) => [principalArn, call.passedTo]).map(
    (calls): Question => ({
      principalArn: calls[0]?.principalArn ?? '',
      context: commonKeys(calls, asking),
      calls,
    }),
  );
  const isWholeForAll = ({ context, calls }: Question): boolean => calls.every((one) => isWhole(context, one));
  return [...questions.filter(isWholeForAll), ...questions.filter((one) => !isWholeForAll(one))];
}

/** A call about which IAM is asked with this context. */
export interface OpenQuestion {
  one: OpenCall;
  context: Context;
}

/** Returns as few questions as possible, one for each role and context. */
export const questionsAbout = (open: readonly OpenQuestion[]): Question[] =>
  groupsBy(open, ({ one: { principalArn }, context }) => [
    principalArn,
    Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]).map((group) => ({
    principalArn: group[0]?.one.principalArn ?? '',
    context: group[0]?.context ?? {},
    calls: group.map(({ one }) => one),
  }));

/** Returns the call with the keys that it has by itself. */
export const whole = (one: OpenCall): OpenQuestion => ({ one, context: ownKeys(one) });

/** Returns the call with the context and those of its keys that IAM has reported as missing. */
export function withMissing(one: OpenCall, context: Context, missing: readonly string[]): OpenQuestion {
  const names = new Set(missing.map((key) => key.toLowerCase()));
  const added = Object.entries(one.keys.known).filter(([key]) => names.has(key.toLowerCase()));
  return { one, context: { ...context, ...Object.fromEntries(added) } };
}
