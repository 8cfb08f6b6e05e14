/** Error responses of the operations: the Lambda's problems and API Gateway's own. */
import { z } from 'zod';
import { type Operation, PROBLEMS_OF_ALL } from '../../lambdas/api/operations.ts';
import { problem, type ProblemKind, PROBLEMS, typeOf } from '../../lambdas/api/problems.ts';
import { schemaNames } from '../../lambdas/domain/text/schemas.ts';
import { codeOf, GATEWAY_PROBLEMS } from '../../lib/api/gateway-responses.ts';
import type { Json } from './json.ts';

/** All codes of problems: the Lambda's and API Gateway's. */
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
 * Statuses with which API Gateway itself may answer any operation: throttling, an invalid signature, a request that is
 * too large, or a function that does not answer. 401 is not among them: only authorizers other than IAM use it.
 */
const OF_GATEWAY = [403, 413, 429, 502, 504];

export const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds to wait before the next request.',
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

/** Returns an example for a status that only API Gateway answers with. */
function gatewayExample(wanted: number): Json {
  const [[name, { title }] = ['', { title: '' }]] = gatewayProblems(wanted);
  return { type: typeOf(codeOf(name)), code: codeOf(name), title, status: wanted, detail: `${title}.` };
}

/** Returns the error responses of an operation by status. */
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
