/**
 * What the API answers where it does not do what was asked for: problem details (RFC 9457), one kind for each thing
 * that a caller can do something about.
 */
import { z } from 'zod';
import { shown } from '../domain/text.ts';

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

export const fieldError = z.object({
  /** Where it is: `body.target.region`, `query.limit`, `path.id`, `header.idempotency-key`. */
  field: z.string(),
  message: z.string(),
});
export type FieldError = z.infer<typeof fieldError>;

/** Paths, as the links of other answers are. */
export const problemLinks = z.object({
  /** The migration, or the sweep, that the request was about. */
  self: z.string().optional(),
  /** Another migration, which has to end first. */
  holder: z.string().optional(),
  /** The other migrations and sweeps that the detail names. */
  related: z.array(z.string()).optional(),
});
export type ProblemLinks = z.infer<typeof problemLinks>;

export const problem = z.object({
  /** Its code, as a URI. */
  type: z.string(),
  /** One of those that docs/api.md explains; the document of OpenAPI lists them, with API Gateway's. */
  code: z.string(),
  title: z.string(),
  /** Absent where API Gateway itself answers with a status of its own. */
  status: z.int().min(400).max(599).optional(),
  detail: z.string(),
  /** This one occurrence: what to name when asking for help. */
  instance: z.string().optional(),
  /** The first of what is wrong with parts of the request. */
  errors: z.array(fieldError).max(MOST_ERRORS).optional(),
  /** How many more there are. */
  moreErrors: z.int().optional(),
  /** Where to look at what it is about. */
  links: problemLinks.optional(),
});
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
