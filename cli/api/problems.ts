/** Converts error answers of the API to errors for people. */
import type { z } from 'zod';
import { problem, type Problem, type ProblemKind } from '../../lambdas/api/problems.ts';
import { shown } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';

/** Maximum number of characters of an answer's text that an error repeats. */
const LONGEST = 2000;
/** Maximum number of lines about single fields. */
const MOST_FIELDS = 20;

const INVOKE =
  'These credentials need execute-api:Invoke for that route. Check whose they are (aws sts get-caller-identity), that they are valid, and that POD_IDENTITY_API_URL and the region match';
const RETRY_LATER =
  'Try again in a minute; if the error persists, check the logs of the API and the health of the service';

interface Told {
  name: string;
  hint: string;
  exitCode: ExitCode;
}
const { badInput, blocked, unexpected } = EXIT_CODES;

/** Errors by kind of problem, if a direct call has its own error for it, or there is a remedy. */
const TOLD: Partial<Record<ProblemKind, Told>> = {
  'unknown-migration': {
    name: 'UnknownMigration',
    hint: 'The id is in the second line that migrate and plan print, and in the field migrationId of --json. Check that this is the same deployed service',
    exitCode: badInput,
  },
  'unknown-sweep': {
    name: 'UnknownSweep',
    hint: 'pod-identity sweeps --deployed lists the sweeps. Check that this is the same deployed service',
    exitCode: badInput,
  },
  'not-now': {
    name: 'NotNow',
    hint: 'Nothing was changed. To show its state: pod-identity sweep show ID --deployed',
    exitCode: badInput,
  },
  'unknown-cluster': { name: 'UnknownCluster', hint: 'To list clusters: aws eks list-clusters', exitCode: badInput },
  'no-cancel': {
    name: 'MigrationOver',
    hint: 'To show its report: pod-identity show ID --deployed',
    exitCode: badInput,
  },
  'no-rollback': {
    name: 'RollbackRefused',
    hint: 'To show the migration: pod-identity show ID --deployed\nTo stop a running migration instead: pod-identity cancel ID --deployed',
    exitCode: badInput,
  },
  'subject-busy': {
    name: 'SubjectBusy',
    hint: 'Nothing was started. To show the other migration: pod-identity show ID --deployed',
    exitCode: blocked,
  },
  'not-enabled': {
    name: 'NotEnabled',
    hint: 'Nothing was changed. To deploy the service with repairableRoleArns, see docs/configuration.md',
    exitCode: badInput,
  },
  retiring: {
    name: 'RetireRefused',
    hint: 'To follow it: pod-identity show ID --deployed',
    exitCode: blocked,
  },
  'rolling-back': {
    name: 'RollbackRefused',
    hint: 'To follow it: pod-identity show ID --deployed',
    exitCode: badInput,
  },
  'no-approval': {
    name: 'NotDecided',
    hint: 'Nothing was decided. To show the waiting plan, run without --plan: pod-identity approve ID --deployed',
    exitCode: badInput,
  },
  'not-allowed-to-approve': {
    name: 'NotDecided',
    hint: 'Another principal must approve it; the deployment configures who may (setting approvals.approver)',
    exitCode: blocked,
  },
  'no-access': {
    name: 'NoAccess',
    hint: "The service's own role reads the cluster; to grant it the missing access: pod-identity grant-access",
    exitCode: blocked,
  },
  'other-account': {
    name: 'NotAvailable',
    hint: 'Use the API of the service that is deployed in that account',
    exitCode: badInput,
  },
  unauthenticated: { name: 'ApiError', hint: INVOKE, exitCode: unexpected },
  unavailable: { name: 'ApiError', hint: RETRY_LATER, exitCode: unexpected },
  unexpected: {
    name: 'ApiError',
    hint: 'Report this answer to the operators of the service',
    exitCode: unexpected,
  },
};

const byStatus = (status: number): Told => {
  if (status === 401 || status === 403) return { name: 'ApiError', hint: INVOKE, exitCode: unexpected };
  if (status === 429 || status >= 500) return { name: 'ApiError', hint: RETRY_LATER, exitCode: unexpected };
  if (status === 404)
    return {
      name: 'ApiError',
      hint: 'Check POD_IDENTITY_API_URL: it is the output ApiUrl of the stack PodIdentityMigrator, with its stage',
      exitCode: unexpected,
    };
  return {
    name: 'ApiError',
    hint: 'Check the request; the versions of this program and of the service may not match',
    exitCode: badInput,
  };
};

const isReported = (kind: string): kind is ProblemKind => Object.hasOwn(TOLD, kind);

const fieldLines = ({ errors = [] }: Problem): string[] =>
  errors.slice(0, MOST_FIELDS).map(({ field, message }) => `  ${shown(field, 200)}: ${shown(message, LONGEST)}`);

/** Returns whether the detail already contains all messages. */
const sameField = ({ detail, errors = [] }: Problem): boolean =>
  errors.every(({ message }) => detail.toLowerCase().includes(message.toLowerCase()));

/** Replaces ID in a hint by the id of the migration or sweep that the request was about. */
const withId = (hint: string, what: string): string => {
  const id = /\/(?:migrations|sweeps)\/(\w+)/.exec(what)?.[1];
  return id === undefined ? hint : hint.replaceAll(/\bID\b/g, id);
};

/**
 * Returns the error for an answer. `what`: the request, such as `POST /migrations`. `answer`: a problem document, or any
 * other content of the answer, without secrets. `note`: an addition to the hint.
 */
export const answeredError = (what: string, status: number, answer: unknown, note = ''): CliError => {
  const parsed = problem.safeParse(answer);
  if (!parsed.success) {
    // API Gateway's own answers contain only a message.
    const message =
      typeof answer === 'object' && answer !== null && 'message' in answer && typeof answer.message === 'string'
        ? `: ${shown(answer.message, LONGEST)}`
        : '';
    const { name, hint, exitCode } = byStatus(status);
    return new CliError(name, `the API answered ${what} with ${status}${message}`, `${hint}${note}`, exitCode);
  }
  const one: Problem = parsed.data;
  const { name, hint, exitCode } = (isReported(one.code) ? TOLD[one.code] : undefined) ?? byStatus(status);
  const instance = one.instance === undefined ? '' : `\nThis answer: ${shown(one.instance, 200)}`;
  const lines = [`${shown(one.title, 200)}: ${shown(one.detail, LONGEST)}`, ...(sameField(one) ? [] : fieldLines(one))];
  return new CliError(
    name,
    lines.join('\n'),
    `${withId(hint, one.links?.holder ?? what)}${note}${status >= 500 ? instance : ''}`,
    exitCode,
  );
};

/** Returns the error for an answer of unknown form. `why`: the first problem. */
export const unreadable = (what: string, why: string): CliError =>
  new CliError(
    'ApiError',
    `the answer of the API to ${what} is not understood: ${why}`,
    'Check POD_IDENTITY_API_URL; the versions of this program and of the service may not match',
    unexpected,
  );

export const firstWrong = ({ issues: [issue] }: z.ZodError): string =>
  shown(`${issue?.path.map(String).join('.') || 'the answer'}: ${issue?.message ?? ''}`, 300);
