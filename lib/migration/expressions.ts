import { NO_CAUSE } from '../../lambdas/runtime/caught.ts';

/**
 * JSONata, as Step Functions takes it. Every expression here is total: a failing one in a Catch or a Fail would end the
 * execution as something else.
 */
export type Expression = `{% ${string} %}`;
export const expression = (body: string): Expression => `{% ${body} %}`;

/**
 * From the execution's input, so that they are there before the first state has answered; `request` is MigrateAddon's
 * alone.
 */
export const MIGRATION_ID = '$states.context.Execution.Input.migrationId';
export const REQUEST = '$states.context.Execution.Input.request';
/** The execution itself, which holds the locks: its ARN. */
export const EXECUTION = '$states.context.Execution.Id';

/**
 * Names of fields of the execution's input that its state machine does not know: ten, cut, since there may be any number
 * of any length. Its first step refuses them: a `dryRun` in the wrong place must not be a change.
 */
export const unknownFields = (...known: string[]): string =>
  `[$map($filter($keys($states.context.Execution.Input), function($name) { $not($name in [${known.map((name) => `'${name}'`).join(', ')}]) })[[0..9]], function($name) { $substring($name, 0, 64) })]`;

/** What somebody asked for may be of any length and kind until the plan has looked at it, and a cause may not. */
export const shortText = (value: string): string => `$substring($string(${value}), 0, 128)`;

/** What migrates, as one text: an add-on's name, or `namespace/name` of a service account. */
export const REQUEST_SUBJECT = `($exists(${REQUEST}.serviceAccount) ? ${REQUEST}.serviceAccount.namespace & '/' & ${REQUEST}.serviceAccount.name : '' & ${REQUEST}.addon)`;

/** Names a migration in a text; `subject` and `cluster` are expressions. */
export const migrationText = (subject: string, cluster: string): string =>
  `'Migration ' & ${shortText(MIGRATION_ID)} & ' of ' & (${subject} = '' ? 'an unnamed add-on or service account' : ($contains(${subject}, '/') ? 'service account ' : 'add-on ') & ${shortText(subject)}) & ' in cluster ' & ${shortText(cluster)}`;
/** A piece of text, to stand within quotes: where the ledger has the migration. */
export const recordText = (tableName: string): string =>
  `item ' & ${shortText(MIGRATION_ID)} & ' of table ${tableName}`;

/**
 * The readable part of an error's cause. Lambda makes JSON of it (errorType, errorMessage, and a trace where a handler
 * threw); the service's own errors are plain text, which comes through as it is, and a time-out of the Task has none.
 * `$parse` would fail on a cause that was cut off. Cut, because Step Functions takes at most 32,768 characters of cause.
 */
const readable = (cause: string): string => {
  const message = `$substringBefore($substringAfter(${cause}, '"errorMessage":"'), '","trace"')`;
  // The end of the JSON, where no trace follows; a quote of the message itself has a backslash before it.
  const withoutEnd = `($m := ${message}; $substring($m, -2) = '"}' and $substring($m, -3, 1) != '\\\\' ? $substring($m, 0, $length($m) - 2) : $m)`;
  return `$substring($replace(${cause} = '' ? '${NO_CAUSE}' : ${withoutEnd}, '\\\\"', '"'), 0, 4000)`;
};

/** The error that a Catch caught; the name and message of the variable `failure`. */
const CAUGHT_CAUSE = `('' & $states.errorOutput.Cause)`;
const CAUGHT = `$states.errorOutput.Error & ': ' & ${readable(CAUGHT_CAUSE)}`;
export const FAILURE_MESSAGE = readable('$failure.Cause');

/** The name and the message of an error that a Catch has kept in that variable. */
export const failureText = (variable: string): string =>
  `$${variable}.Error & ': ' & ${readable(`$${variable}.Cause`)}`;
export const FAILURE_TEXT = failureText('failure');

/** In a Catch: the error as errorOutput has it. `Cause` is always text, also where a time-out comes without one. */
export const caughtFailure = expression(`{'Error': $states.errorOutput.Error, 'Cause': ${CAUGHT_CAUSE}}`);

/** An expression of a failure by the text of the error that has led to it: one that is caught, or one that is kept. */
export type FailureOf = (cause: string) => Expression;

/** After an earlier failure: keeps the first error's name and tells of both. */
export const anotherFailure =
  (what: string): FailureOf =>
  (cause) =>
    expression(`{'Error': $failure.Error, 'Cause': ${readable('$failure.Cause')} & ' ${what}: ' & ${cause}}`);

/** Names the failure by what it means, and keeps the error in its text. */
export const failureAs =
  (error: string, meaning: string): FailureOf =>
  (cause) =>
    expression(`{'Error': '${error}', 'Cause': '${meaning}: ' & ${cause}}`);

/** In a Catch. */
export const caught = (failure: FailureOf): Expression => failure(CAUGHT);
