/**
 * The API's error responses: problem details (RFC 9457), with a separate kind for each error that a caller can act on.
 */
import { z } from 'zod';
import { schemaNames } from '../domain/text/schemas.ts';
import { shown } from '../domain/text/text.ts';

/** Prefix of a problem's type. It stays the same wherever the service and its documents are hosted (ADR 55). */
const PROBLEM_TYPES = 'urn:eks-pod-identity-migrator:problem:';

/** Status and title of each kind. `docs/api.md` has a section for each, which a test checks. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is invalid' },
  unauthenticated: { status: 403, title: 'The caller could not be identified' },
  'not-allowed-to-approve': { status: 403, title: 'This principal may not approve this migration' },
  'unknown-path': { status: 404, title: 'This path does not exist' },
  'unknown-migration': { status: 404, title: 'The migration does not exist' },
  'unknown-sweep': { status: 404, title: 'The sweep does not exist' },
  'no-report': { status: 404, title: 'The sweep has no report yet' },
  'unknown-cluster': { status: 404, title: 'The cluster does not exist' },
  'method-not-allowed': { status: 405, title: 'This path does not support the method' },
  'no-approval': { status: 409, title: 'This plan cannot be decided now' },
  'no-cancel': { status: 409, title: 'The migration cannot be cancelled' },
  'subject-busy': { status: 409, title: 'Another migration is working on this add-on or service account' },
  'rolling-back': { status: 409, title: 'The migration is already being rolled back' },
  retiring: { status: 409, title: 'A retirement of the migration is already in progress' },
  'not-enabled': { status: 409, title: 'This deployment does not have this feature enabled' },
  'no-hand-off': { status: 409, title: 'The migration has no hand-off' },
  'no-rollback': { status: 409, title: 'The migration cannot be rolled back' },
  'not-now': { status: 409, title: 'The sweep does not allow this action now' },
  'no-access': { status: 409, title: 'The service has no access to the cluster' },
  'too-large': { status: 413, title: 'The body is too large' },
  'not-json': { status: 415, title: 'The body is not JSON' },
  'unsupported-encoding': { status: 415, title: 'The content encoding of the body is not supported' },
  'key-used': { status: 422, title: 'The idempotency key was used for another request' },
  'other-account': { status: 422, title: 'This service does not serve the account' },
  'too-many-waiting': { status: 429, title: 'The maximum number of migrations is already waiting' },
  unexpected: { status: 500, title: 'An unexpected error occurred' },
  unavailable: { status: 503, title: 'A dependency of the service is not available' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemKind = keyof typeof PROBLEMS;

/** Maximum number of characters in a detail, and of errors listed. */
const [LONGEST_DETAIL, MOST_ERRORS] = [2000, 20];

const fieldError = z
  .object({
    field: z
      .string()
      .describe(
        'The part of the request, such as `body.target.region`, `query.limit`, `path.id` or `header.idempotency-key`.',
      ),
    message: z.string().describe('What is wrong with this part.'),
  })
  .register(schemaNames, { name: 'FieldError' });
export type FieldError = z.infer<typeof fieldError>;

/** A path, as in the links of other answers. */
const path = z.string().meta({ format: 'uri-reference' });
const problemLinks = z
  .object({
    self: path.optional().describe('Path of the migration or sweep that the request was about.'),
    holder: path.optional().describe('Path of the migration that must end first.'),
    related: z.array(path).optional().describe('Paths of other migrations and sweeps that `detail` names.'),
  })
  .register(schemaNames, { name: 'ProblemLinks' });
export type ProblemLinks = z.infer<typeof problemLinks>;

export const problem = z
  .object({
    type: z.string().meta({ format: 'uri' }).describe('`code` as a URI. There is no page at this URI.'),
    // docs/api.md explains each code; the OpenAPI document lists them together with API Gateway's.
    code: z.string().describe('Kind of problem, as explained in docs/api.md. Programs should decide by this field.'),
    title: z.string().describe('Kind of problem for people. The wording may change.'),
    status: z
      .int()
      .min(400)
      .max(599)
      .optional()
      .describe('HTTP status. Absent if API Gateway answers with a status of its own.'),
    detail: z.string().describe('What is wrong with this request, and what to do next. The wording may change.'),
    instance: z
      .string()
      .meta({ format: 'uri' })
      .optional()
      .describe("URI of this occurrence of the problem. The service's logs contain its id."),
    errors: z
      .array(fieldError)
      .max(MOST_ERRORS)
      .optional()
      .describe('The first 20 errors in parts of the request. Absent if no part is wrong.'),
    moreErrors: z
      .int()
      .optional()
      .describe('Number of errors that `errors` leaves out. Absent if it lists all of them.'),
    links: problemLinks
      .optional()
      .describe('Paths of the migrations and sweeps that the problem is about. Absent if there are none.'),
  })
  .register(schemaNames, { name: 'Problem' });
export type Problem = z.infer<typeof problem>;

export interface ProblemOptions {
  errors?: FieldError[];
  headers?: Record<string, string>;
  links?: ProblemLinks;
}

/**
 * An error that is answered as a problem. `message` is the problem's detail. It may repeat text from the request, so it
 * is truncated and escaped.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly kind: ProblemKind;
  readonly errors: FieldError[];
  /** Number of errors that are not listed. */
  readonly moreErrors: number;
  readonly headers: Record<string, string>;
  readonly links: ProblemLinks | undefined;
  constructor(kind: ProblemKind, detail: string, { errors = [], headers = {}, links }: ProblemOptions = {}) {
    super(shown(detail, LONGEST_DETAIL));
    this.kind = kind;
    this.errors = errors.slice(0, MOST_ERRORS);
    this.moreErrors = errors.length - this.errors.length;
    this.headers = headers;
    this.links = links;
  }
}

/** Returns the problem for errors in parts of the request. Expects at least one error. */
export function invalid(errors: FieldError[]): ApiProblem {
  const listed = errors.slice(0, MOST_ERRORS).map(({ field, message }) => `${field}: ${message}`);
  const all =
    errors.length > listed.length
      ? `${errors.length} parts of the request are invalid. The first ${listed.length} are: `
      : '';
  return new ApiProblem('invalid-request', `${all}${listed.join('; ')}`, { errors });
}

export const typeOf = (code: string): string => `${PROBLEM_TYPES}${code}`;

/** Returns the body of a problem. `named` has the links of what its detail names. */
export function problemOf(
  { kind, message, errors, moreErrors, links }: ApiProblem,
  instance: string | undefined,
  named: ProblemLinks = {},
): Problem {
  const all = { ...named, ...links };
  return {
    type: typeOf(kind),
    code: kind,
    ...PROBLEMS[kind],
    detail: message,
    ...(instance === undefined ? {} : { instance }),
    ...(errors.length > 0 ? { errors } : {}),
    ...(moreErrors > 0 ? { moreErrors } : {}),
    ...(Object.keys(all).length > 0 ? { links: all } : {}),
  };
}
