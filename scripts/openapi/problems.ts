/** What operations answer where they do not do what was requested: the Lambda's problems, and API Gateway's own. */
import { z } from 'zod';
import { type Operation, PROBLEMS_OF_ALL } from '../../lambdas/api/operations.ts';
import { problem, type ProblemKind, PROBLEMS, typeOf } from '../../lambdas/api/problems.ts';
import { schemaNames } from '../../lambdas/domain/text/schemas.ts';
import { codeOf, GATEWAY_PROBLEMS } from '../../lib/api/gateway-responses.ts';
import type { Json } from './json.ts';

/** Every code that a problem may have: the Lambda's and API Gateway's. */
const CODES = [...Object.keys(PROBLEMS), ...Object.keys(GATEWAY_PROBLEMS).map(codeOf)];
export const problemSchema = problem
  .extend({
    code: z
      .string()
      .meta({ openapi: { type: 'string', enum: CODES } })
      .describe(problem.shape.code.description ?? ''),
  })
  .register(schemaNames, { name: 'Problem' });

/**
 * Statuses of API Gateway itself, whatever the operation: it throttles, refuses signatures and what is too large, and
 * answers for a function that does not. Never 401: that is for authorizers other than IAM.
 */
const OF_GATEWAY = [403, 413, 429, 502, 504];

export const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds after which to send a request again.',
    schema: { type: 'integer', minimum: 0 },
    example: 5,
  },
};

const DETAILS: Partial<Record<ProblemKind, Json>> = {
  'invalid-request': {
    detail: 'body.target.region: must be an AWS region such as eu-west-1',
    errors: [{ field: 'body.target.region', message: 'must be an AWS region such as eu-west-1' }],
  },
};
const exampleOf = (kind: ProblemKind): Json => ({
  type: typeOf(kind),
  code: kind,
  title: PROBLEMS[kind].title,
  status: PROBLEMS[kind].status,
  detail: `${PROBLEMS[kind].title}.`,
  ...DETAILS[kind],
});

const gatewayProblems = (wanted: number) =>
  Object.entries(GATEWAY_PROBLEMS).filter(([, one]) => 'status' in one && one.status === wanted);

/** An example of a status that API Gateway alone answers with. */
function gatewayExample(wanted: number): Json {
  const [[name, { title }] = ['', { title: '' }]] = gatewayProblems(wanted);
  return { type: typeOf(codeOf(name)), code: codeOf(name), title, status: wanted, detail: `${title}.` };
}

/** Responses by status. */
export function problemsOf(operation: Operation, schema: Json): Record<string, Json> {
  const kinds: ProblemKind[] = [...PROBLEMS_OF_ALL, ...operation.problems];
  const statuses = [...new Set([...kinds.map((kind) => PROBLEMS[kind].status), ...OF_GATEWAY])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const own = kinds.filter((kind) => PROBLEMS[kind].status === status);
      const titles = new Set([
        ...own.map((kind) => PROBLEMS[kind].title),
        ...(OF_GATEWAY.includes(status) ? gatewayProblems(status).map(([, { title }]) => title) : []),
      ]);
      const [first] = own;
      const response = {
        description: `${[...titles].join('. ')}.`,
        ...(status === 503 || status === 429 ? { headers: RETRY_AFTER } : {}),
        content: {
          'application/problem+json': { schema, example: first ? exampleOf(first) : gatewayExample(status) },
        },
      };
      return [String(status), response];
    }),
  );
}
