import { NO_CAUSE } from '../../lambdas/runtime/caught.ts';

/**
 * JSONata expressions for Step Functions. None of them may fail: a failing expression in a Catch or a Fail would end
 * the execution with another error.
 */
export type Expression = `{% ${string} %}`;
export const expression = (body: string): Expression => `{% ${body} %}`;

/**
 * Values from the execution's input, which are available before the first state has ended. Only MigrateAddon has
 * `request`.
 */
export const MIGRATION_ID = '$states.context.Execution.Input.migrationId';
export const REQUEST = '$states.context.Execution.Input.request';
/** ARN of the execution, which holds the locks. */
export const EXECUTION = '$states.context.Execution.Id';

/**
 * Returns an expression for the unknown fields of the execution's input: at most ten names, truncated, because there
 * may be any number of any length. The first step refuses them, so that a misplaced `dryRun` does not lead to a change.
 */
export const unknownFields = (...known: string[]): string =>
  `[$map($filter($keys($states.context.Execution.Input), function($name) { $not($name in [${known.map((name) => `'${name}'`).join(', ')}]) })[[0..9]], function($name) { $substring($name, 0, 64) })]`;

/** Truncates a value of the request for a cause: before the plan has validated it, it may have any length and type. */
export const shortText = (value: string): string => `$substring($string(${value}), 0, 128)`;

/** The subject as text: an add-on's name, or `namespace/name` of a service account. */
export const REQUEST_SUBJECT = `($exists(${REQUEST}.serviceAccount) ? ${REQUEST}.serviceAccount.namespace & '/' & ${REQUEST}.serviceAccount.name : '' & ${REQUEST}.addon)`;

/** Returns an expression that names a migration in a text. `subject` and `cluster` are expressions. */
export const migrationText = (subject: string, cluster: string): string =>
  `'Migration ' & ${shortText(MIGRATION_ID)} & ' of ' & (${subject} = '' ? 'an unnamed add-on or service account' : ($contains(${subject}, '/') ? 'service account ' : 'add-on ') & ${shortText(subject)}) & ' in cluster ' & ${shortText(cluster)}`;
/** Returns text for use within quotes: where the ledger has the migration. */
export const recordText = (tableName: string): string =>
  `item ' & ${shortText(MIGRATION_ID)} & ' of table ${tableName}`;

/**
 * Returns an expression for the readable part of an error's cause. Lambda's errors are JSON (errorType, errorMessage,
 * and a trace if a handler threw), the service's own errors are plain text, and a time-out of the Task has no cause.
 * `$parse` would fail on a truncated cause. The text is truncated because a cause may have at most 32,768 characters.
 */
const readable = (cause: string): string => {
  const message = `$substringBefore($substringAfter(${cause}, '"errorMessage":"'), '","trace"')`;
  // Removes the end of the JSON if no trace follows; a quote within the message has a backslash before it.
  const withoutEnd = `($m := ${message}; $substring($m, -2) = '"}' and $substring($m, -3, 1) != '\\\\' ? $substring($m, 0, $length($m) - 2) : $m)`;
  return `$substring($replace(${cause} = '' ? '${NO_CAUSE}' : ${withoutEnd}, '\\\\"', '"'), 0, 4000)`;
};

/** Name and message of the error that a Catch caught. */
const CAUGHT_CAUSE = `('' & $states.errorOutput.Cause)`;
const CAUGHT = `$states.errorOutput.Error & ': ' & ${readable(CAUGHT_CAUSE)}`;
export const FAILURE_MESSAGE = readable('$failure.Cause');

/** Returns an expression for the name and message of an error that a Catch stored in a variable. */
export const failureText = (variable: string): string =>
  `$${variable}.Error & ': ' & ${readable(`$${variable}.Cause`)}`;
export const FAILURE_TEXT = failureText('failure');

/** In a Catch: the error of errorOutput. `Cause` is always text, even if a time-out has none. */
export const caughtFailure = expression(`{'Error': $states.errorOutput.Error, 'Cause': ${CAUGHT_CAUSE}}`);

/** Returns an expression for a failure, given the text of the caught or stored error that led to it. */
export type FailureOf = (cause: string) => Expression;

/** For an error after an earlier failure: keeps the first error's name, and reports both. */
export const anotherFailure =
  (what: string): FailureOf =>
  (cause) =>
    expression(`{'Error': $failure.Error, 'Cause': ${readable('$failure.Cause')} & ' ${what}: ' & ${cause}}`);

/** Gives the failure a new name by its meaning, and keeps the error in its text. */
export const failureAs =
  (error: string, meaning: string): FailureOf =>
  (cause) =>
    expression(`{'Error': '${error}', 'Cause': '${meaning}: ' & ${cause}}`);

/** Returns the expression of a failure for use in a Catch. */
export const caught = (failure: FailureOf): Expression => failure(CAUGHT);
