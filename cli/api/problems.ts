/** What the API answers instead of what was asked for, as an error for people. */
import type { z } from 'zod';
import { problem, type Problem, type ProblemKind } from '../../lambdas/api/problems.ts';
import { shown } from '../../lambdas/domain/text/text.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';

/** Characters of one text of an answer that an error repeats. */
const LONGEST = 2000;
/** Lines about single fields. */
const MOST_FIELDS = 20;

const INVOKE =
  'These credentials need execute-api:Invoke for that route. Check whose they are (aws sts get-caller-identity), that they are still valid, and that POD_IDENTITY_API_URL and the region belong together';
const RETRY_LATER =
  'Try again in a minute; where it goes on, look at the logs of the API and at the health of the service';

interface Told {
  name: string;
  hint: string;
  exitCode: ExitCode;
}
const { badInput, blocked, unexpected } = EXIT_CODES;

/**
 * By kind, where a direct call of the service's parts would have had a name of its own for it, or where there is
 * something to do.
 */
const TOLD: Partial<Record<ProblemKind, Told>> = {
  'unknown-migration': {
    name: 'UnknownMigration',
    hint: 'The id stands in the second line of what migrate and plan print, and in the field migrationId of --json. Is it the same deployed service?',
    exitCode: badInput,
  },
  'unknown-sweep': {
    name: 'UnknownSweep',
    hint: 'pod-identity sweeps --deployed lists them. Is it the same deployed service?',
    exitCode: badInput,
  },
  'not-now': {
    name: 'NotNow',
    hint: 'Nothing was changed. To see how it stands: pod-identity sweep show ID --deployed',
    exitCode: badInput,
  },
  'unknown-cluster': { name: 'UnknownCluster', hint: 'Its clusters: aws eks list-clusters', exitCode: badInput },
  'no-cancel': {
    name: 'MigrationOver',
    hint: 'To see how it went: pod-identity show ID --deployed',
    exitCode: badInput,
  },
  'no-rollback': {
    name: 'RollbackRefused',
    hint: 'To look at the migration: pod-identity show ID --deployed\nOne that is still running is stopped instead: pod-identity cancel ID --deployed',
    exitCode: badInput,
  },
  'subject-busy': {
    name: 'SubjectBusy',
    hint: 'Nothing was started. To see the one that has begun: pod-identity show ID --deployed',
    exitCode: blocked,
  },
  'not-enabled': {
    name: 'NotEnabled',
    hint: 'Nothing was changed. How to deploy the service with repairableRoleArns: docs/configuration.md',
    exitCode: badInput,
  },
  retiring: {
    name: 'RetireRefused',
    hint: 'To see how that one goes: pod-identity show ID --deployed',
    exitCode: blocked,
  },
  'rolling-back': {
    name: 'RollbackRefused',
    hint: 'To see how that one goes: pod-identity show ID --deployed',
    exitCode: badInput,
  },
  'no-approval': {
    name: 'NotDecided',
    hint: 'Nothing was decided. To see the plan that waits: pod-identity approve ID --deployed, without --plan',
    exitCode: badInput,
  },
  'not-allowed-to-approve': {
    name: 'NotDecided',
    hint: 'Somebody else has to approve it: the deployment says who may (setting approvals.approver)',
    exitCode: blocked,
  },
  'no-access': {
    name: 'NoAccess',
    hint: "The service's own role reads the cluster: pod-identity grant-access gives it what it lacks",
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
    hint: 'Report it to who runs the service, with the name of this answer',
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
    hint: 'Check what was asked for; a program and a service of different versions may not fit',
    exitCode: badInput,
  };
};

const isReported = (kind: string): kind is ProblemKind => Object.hasOwn(TOLD, kind);

const fieldLines = ({ errors = [] }: Problem): string[] =>
  errors.slice(0, MOST_FIELDS).map(({ field, message }) => `  ${shown(field, 200)}: ${shown(message, LONGEST)}`);

/** Whether the detail says it all already. */
const sameField = ({ detail, errors = [] }: Problem): boolean =>
  errors.every(({ message }) => detail.toLowerCase().includes(message.toLowerCase()));

/** What is to be typed has the id of the migration, or sweep, where the question was about one. */
const withId = (hint: string, what: string): string => {
  const id = /\/(?:migrations|sweeps)\/(\w+)/.exec(what)?.[1];
  return id === undefined ? hint : hint.replaceAll(/\bID\b/g, id);
};

/**
 * `what`: such as `POST /migrations`. `told`: a problem document, or whatever else the answer held, without what is
 * secret in it. `note`: what the hint has to say beside it.
 */
export const answeredError = (what: string, status: number, told: unknown, note = ''): CliError => {
  const parsed = problem.safeParse(told);
  if (!parsed.success) {
    // API Gateway's own answers have no more than that.
    const message =
      typeof told === 'object' && told !== null && 'message' in told && typeof told.message === 'string'
        ? `: ${shown(told.message, LONGEST)}`
        : '';
    const { name, hint, exitCode } = byStatus(status);
    return new CliError(name, `the API answers ${what} with ${status}${message}`, `${hint}${note}`, exitCode);
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

/** An answer of a form that this program does not know. `where`: the first place that is wrong. */
export const unreadable = (what: string, why: string): CliError =>
  new CliError(
    'ApiError',
    `the API answers ${what} with something that this program does not understand: ${why}`,
    'Check POD_IDENTITY_API_URL; a program and a service of different versions may not fit',
    unexpected,
  );

export const firstWrong = ({ issues: [issue] }: z.ZodError): string =>
  shown(`${issue?.path.map(String).join('.') || 'the answer'}: ${issue?.message ?? ''}`, 300);
