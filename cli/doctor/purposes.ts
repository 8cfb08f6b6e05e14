/** Checks what a purpose needs beyond reading AWS: the deployed service, or what a deployment needs. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { Check } from '../../lambdas/domain/migration/model.ts';
import { fail, pass, unknown } from '../../lambdas/domain/plan/check.ts';
import { CliError } from '../errors.ts';
import { PROGRAM } from '../options.ts';
import { apiUrlIn, readServiceEnvironment } from '../service-environment.ts';
import type { AwsSession } from '../aws/session.ts';
import { PLAN_ACTIONS } from './permissions.ts';
import type { Asked } from './read.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The deployed service that the commands would use, and the calls that they make to it. */
export type ServiceFact = { found: string; calls: Asked[] } | { missing: string };

const apiOf = (url: string): Asked[] => {
  const [, id, region] = /^https:\/\/([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\./.exec(url) ?? [];
  return id === undefined || region === undefined
    ? []
    : [{ actions: ['execute-api:Invoke'], resources: [`arn:${partitionOf(region)}:execute-api:${region}:*:${id}/*`] }];
};

/** Returns the service that `--deployed` would use. It is the only place that knows how the service is found. */
export const findService = (environment: Environment): ServiceFact => {
  try {
    const url = apiUrlIn(environment);
    if (url !== undefined) return { found: `its API ${url}`, calls: apiOf(url) };
    const { stateMachineArn } = readServiceEnvironment(environment);
    const executions = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:*`;
    return {
      found: stateMachineArn,
      calls: [
        { actions: ['states:StartExecution'], resources: [stateMachineArn] },
        { actions: ['states:DescribeExecution', 'states:StopExecution'], resources: [executions] },
      ],
    };
  } catch (error) {
    if (error instanceof CliError) return { missing: error.message };
    throw error;
  }
};

export const checkService = (service: ServiceFact): Check =>
  'found' in service
    ? pass('service', `The deployed service is ${service.found}.`)
    : fail(
        'service',
        `The deployed service was not found: ${service.missing.split('\n').join('; ')}.`,
        `Deploy it (${PROGRAM} doctor --for deploy shows whether you can), or set these variables to the outputs of its stack.`,
      );

/** `exists`: undefined if it could not be read. */
export const checkBootstrap = (
  { caller: { account }, region }: Pick<AwsSession, 'caller' | 'region'>,
  exists: boolean | undefined,
): Check => {
  const id = 'cdk-bootstrap';
  const remedy = `Bootstrap it once: npx cdk bootstrap aws://${account}/${region}`;
  if (exists === undefined)
    return unknown(id, `Whether ${region} of account ${account} is bootstrapped for CDK could not be read.`, remedy);
  return exists
    ? pass(id, `${region} of account ${account} is bootstrapped for CDK.`)
    : fail(id, `${region} of account ${account} is not bootstrapped for CDK.`, remedy);
};

/** Returns the calls that `cdk deploy` makes with the caller's credentials: it assumes the roles of the bootstrap. */
export const deployCalls = ({ caller: { account }, region }: Pick<AwsSession, 'caller' | 'region'>): Asked[] => [
  {
    actions: ['sts:AssumeRole'],
    resources: ['deploy-role', 'file-publishing-role'].map(
      (name) => `arn:${partitionOf(region)}:iam::${account}:role/cdk-hnb659fds-${name}-${account}-${region}`,
    ),
  },
];

/** The calls of a plan, for IAM's simulation. */
export const PLAN_CALLS: readonly Asked[] = [{ actions: PLAN_ACTIONS }];
