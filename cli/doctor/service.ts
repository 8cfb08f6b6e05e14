/** Finds the deployed service as `--deployed` does, calls it once, and checks what a migration needs of it. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { type Check, pass, unknown } from '../../lambdas/domain/terms/check.ts';
import { openApiSession } from '../api/backend.ts';
import { type Environment, findService } from '../deployed-stack.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { openForKnown } from '../open-backend.ts';
import { PROGRAM } from '../options.ts';
import { apiUrlIn, readServiceEnvironment } from '../service-environment.ts';
import type { StackFlags } from '../stack-options.ts';
import type { Asked } from './permissions.ts';
import { failLines } from './remedy.ts';

/** Why the service cannot be used. */
interface Trouble {
  message: string;
  hint: string;
}

/** The deployed service that the commands would use. */
export interface ServiceFact {
  /** How it is called, for messages. */
  found: string;
  /** The calls that a migration makes to it; none if its API has no address in AWS. */
  calls: Asked[];
  /** The permissions of a requester (docs/api.md, "Who may call it"). */
  grant: Asked[];
}

/** Returns the URL's API in AWS, as IAM names it, in the service's own account: it alone may call the API. */
const apiArn = (url: string, account: string): string | undefined => {
  const [, id, region, stage] = /^https:\/\/([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.[^/]+\/(\w+)/.exec(url) ?? [];
  return id === undefined || region === undefined || stage === undefined
    ? undefined
    : `arn:${partitionOf(region)}:execute-api:${region}:${account}:${id}/${stage}`;
};

const invoke = (api: string, paths: readonly string[]): Asked => ({
  actions: ['execute-api:Invoke'],
  resources: paths.map((path) => `${api}/${path}`),
});

/** Returns the service of the variables. `account`: the caller's. Throws a CliError for unusable variables. */
export const serviceOf = (environment: Environment, account: string): ServiceFact => {
  const url = apiUrlIn(environment);
  if (url !== undefined) {
    const api = apiArn(url, account);
    return {
      found: `found: its API is ${url}`,
      calls: api === undefined ? [] : [invoke(api, ['GET/migrations', 'POST/migrations'])],
      grant:
        api === undefined ? [] : [invoke(api, ['GET/*', 'POST/plans', 'POST/migrations', 'POST/migrations/*/cancel'])],
    };
  }
  const { stateMachineArn, tableName } = readServiceEnvironment(environment);
  const [, partition, , region, home] = stateMachineArn.split(':');
  const calls: Asked[] = [
    { actions: ['states:StartExecution'], resources: [stateMachineArn] },
    {
      actions: ['states:DescribeExecution'],
      resources: [`${stateMachineArn.replace(':stateMachine:', ':execution:')}:*`],
    },
    { actions: ['dynamodb:GetItem'], resources: [`arn:${partition}:dynamodb:${region}:${home}:table/${tableName}`] },
  ];
  return { found: `found, and is called directly: ${stateMachineArn}`, calls, grant: calls };
};

const troubleOf = (error: unknown): Trouble => {
  if (error instanceof CliError) return { message: error.message, hint: error.hint };
  throw error;
};

/** What was found out about the service: it, or why it was not found; and why it does not answer, if it does not. */
export type ServiceReading = { missing: Trouble } | { service: ServiceFact; refused?: Trouble };

/** Finds the service, and lists one migration. */
export const readService = async (flags: StackFlags, account: string, io: Io): Promise<ServiceReading> => {
  let environment: Environment;
  let service: ServiceFact;
  try {
    environment = await findService(flags, process.env, 'service');
    service = serviceOf(environment, account);
  } catch (error) {
    return { missing: troubleOf(error) };
  }
  try {
    const url = apiUrlIn(environment);
    const session =
      url === undefined
        ? await openForKnown({ kind: 'deployed', ...flags }, { io, silent: true, watched: false }, environment)
        : openApiSession(url, environment, io);
    try {
      await session.serve((opened) => opened.list({}, 1));
    } finally {
      await session.close();
    }
    return { service };
  } catch (error) {
    return { service, refused: troubleOf(error) };
  }
};

/** Returns a sentence of a message, which has no capital and no full stop. */
const sentence = (message: string): string =>
  `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;

export const checkService = (reading: ServiceReading): Check[] => {
  if ('missing' in reading)
    return [
      failLines('service', sentence(reading.missing.message), [
        ...reading.missing.hint.split('\n'),
        `To see whether you can deploy it: ${PROGRAM} doctor --for deploy`,
      ]),
    ];
  const { service, refused } = reading;
  const { calls, found } = service;
  return [
    pass('service', `The deployed service was ${found}`),
    refused === undefined
      ? pass('service-answer', 'The service answers these credentials: you may list its migrations.')
      : failLines('service-answer', sentence(refused.message), refused.hint.split('\n')),
    ...(calls.length > 0
      ? []
      : [
          unknown(
            'service-permissions',
            'Whether you may start a migration could not be read from IAM, because the URL of its API is not an address of API Gateway.',
            `To find out without a change: ${PROGRAM} migrate --cluster NAME --addon NAME --dry-run --deployed`,
          ),
        ]),
  ];
};

/** What a plan needs of the caller, but a migration by the service does not. */
const OF_PLANS = ['permissions', 'api-server', 'kubernetes-access'];

/** Returns the check as it concerns a caller of the service, which reads the cluster with roles of its own. */
export const withService = (check: Check): Check =>
  check.status === 'fail' && OF_PLANS.includes(check.id)
    ? { ...check, status: 'warn', message: `${check.message} Only a plan without the service needs this.` }
    : check;
