/**
 * What the API answers where it does not do what was asked for: problem details (RFC 9457), one kind for each thing
 * that a caller can do something about.
 */
import { z } from 'zod';
import { schemaNames } from '../domain/text/schemas.ts';
import { shown } from '../domain/text/text.ts';

/** What a problem's type begins with: a name that stays, wherever the service and its documents are (ADR 55). */
export const PROBLEM_TYPES = 'urn:eks-pod-identity-migrator:problem:';

/** By kind, its status and title. `docs/api.md` has a section for each; a test keeps it so. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not right' },
  unauthenticated: { status: 403, title: 'It is not known who asks' },
  'not-allowed-to-approve': { status: 403, title: 'This principal may not approve this migration' },
  'unknown-path': { status: 404, title: 'There is nothing at this path' },
  'unknown-migration': { status: 404, title: 'There is no such migration' },
  'unknown-sweep': { status: 404, title: 'There is no such sweep' },
  'no-report': { status: 404, title: 'The sweep has no report yet' },
  'unknown-cluster': { status: 404, title: 'There is no such cluster' },
  'method-not-allowed': { status: 405, title: 'This path does not know the method' },
  'no-approval': { status: 409, title: 'There is nothing to decide here' },
  'no-cancel': { status: 409, title: 'The migration can not be stopped' },
  'subject-busy': { status: 409, title: 'Another migration works on it' },
  'rolling-back': { status: 409, title: 'The migration is being rolled back already' },
  retiring: { status: 409, title: 'A retirement of the migration is under way already' },
  'not-enabled': { status: 409, title: 'This deployment does not do that' },
  'no-rollback': { status: 409, title: 'The migration can not be rolled back' },
  'not-now': { status: 409, title: 'This can not be asked of the sweep now' },
  'no-access': { status: 409, title: 'The service has no access to the cluster' },
  'too-large': { status: 413, title: 'The body is too large' },
  'not-json': { status: 415, title: 'The body is not JSON' },
  'unsupported-encoding': { status: 415, title: 'The body has a content coding that is not read' },
  'key-used': { status: 422, title: 'The idempotency key stands for another request' },
  'other-account': { status: 422, title: 'The account is not one of this service' },
  'too-many-waiting': { status: 429, title: 'As many migrations wait as may' },
  unexpected: { status: 500, title: 'Something unexpected happened' },
  unavailable: { status: 503, title: 'Something that the service needs does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemKind = keyof typeof PROBLEMS;

/** Characters of a detail, and errors, that are told. */
const [LONGEST_DETAIL, MOST_ERRORS] = [2000, 20];

export const fieldError = z
  .object({
    field: z
      .string()
      .describe('Which part: such as `body.target.region`, `query.limit`, `path.id` or `header.idempotency-key`.'),
    message: z.string().describe('What is wrong with it.'),
  })
  .register(schemaNames, { name: 'FieldError' });
export type FieldError = z.infer<typeof fieldError>;

/** Paths, as the links of other answers are. */
const path = z.string().meta({ format: 'uri-reference' });
export const problemLinks = z
  .object({
    self: path.optional().describe('Path of the migration or sweep that the request was about.'),
    holder: path.optional().describe('Path of the migration that has to end first.'),
    related: z.array(path).optional().describe('Paths of other migrations and sweeps that `detail` names.'),
  })
  .register(schemaNames, { name: 'ProblemLinks' });
export type ProblemLinks = z.infer<typeof problemLinks>;

export const problem = z
  .object({
    type: z.string().meta({ format: 'uri' }).describe('`code` as a URI. It names no page.'),
    // One of those that docs/api.md explains; the document of OpenAPI lists them, with API Gateway's.
    code: z.string().describe('What kind of problem it is, which docs/api.md explains. Programs go by it.'),
    title: z.string().describe('The same for people. It may change.'),
    status: z
      .int()
      .min(400)
      .max(599)
      .optional()
      .describe('HTTP status. Absent if API Gateway answers with a status of its own.'),
    detail: z.string().describe('What is wrong with this request, and what to do next. It may change.'),
    instance: z
      .string()
      .meta({ format: 'uri' })
      .optional()
      .describe("This occurrence of the problem. The service's logs have the id in it."),
    errors: z
      .array(fieldError)
      .max(MOST_ERRORS)
      .optional()
      .describe('What is wrong with single parts of the request: the first 20. Absent if no part is.'),
    moreErrors: z.int().optional().describe('Number of errors that `errors` leaves out. Absent if it has all.'),
    links: problemLinks.optional().describe('Paths of what the problem is about. Absent if it is about nothing.'),
  })
  .register(schemaNames, { name: 'Problem' });
export type Problem = z.infer<typeof problem>;

export interface ProblemOptions {
  errors?: FieldError[];
  headers?: Record<string, string>;
  links?: ProblemLinks;
}

/**
 * Thrown by whatever answers a request; `message` is the problem's detail and may repeat what somebody said: it is cut
 * and escaped.
 */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly kind: ProblemKind;
  readonly errors: FieldError[];
  /** Errors that are not told. */
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

/** What is wrong with parts of the request; there is at least one. */
export function invalid(errors: FieldError[]): ApiProblem {
  const told = errors.slice(0, MOST_ERRORS).map(({ field, message }) => `${field}: ${message}`);
  const all =
    errors.length > told.length ? `${errors.length} parts are not right, and the first ${told.length} are: ` : '';
  return new ApiProblem('invalid-request', `${all}${told.join('; ')}`, { errors });
}

export const typeOf = (code: string): string => `${PROBLEM_TYPES}${code}`;

/** `named`: where what the detail names is. */
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
