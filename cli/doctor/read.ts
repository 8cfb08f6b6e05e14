/** Reads what `doctor` decides on, with the caller's own credentials. Every call only reads. */
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { DescribeAddonVersionsCommand, ListClustersCommand } from '@aws-sdk/client-eks';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import type { SimulatedCall } from '../../lambdas/ports/roles.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { parsePrincipal } from '../../lambdas/domain/aws/principal.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { onAnswerHeader } from '../answer-header.ts';
import type { AwsSession } from '../aws/session.ts';
import type { Answered, Asked } from './permissions.ts';

/**
 * Returns how far this machine's clock is ahead of AWS's, in whole seconds; undefined if AWS named no time. The Date header
 * is cut to whole seconds, so a difference of one second means nothing.
 */
export const readSkew = async (
  { clients }: Pick<AwsSession, 'clients'>,
  now: () => number,
): Promise<number | undefined> => {
  let date: string | undefined;
  const sts = clients.sts();
  onAnswerHeader(sts, 'date', (value) => (date = value));
  const before = now();
  await sts.send(new GetCallerIdentityCommand({}));
  const after = now();
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return undefined;
  const [least, most] = [before - theirs - 1000, after - theirs];
  // Zero if the clocks could be the same.
  const skew = least > 0 ? least : most < 0 ? most : 0;
  return Math.round(skew / 1000);
};

/** Returns when the credentials expire, in milliseconds since 1970, as the SDK knows it. */
export const readExpiry = async ({ clients }: Pick<AwsSession, 'clients'>): Promise<number | undefined> =>
  (await clients.sts().config.credentials()).expiration?.getTime();

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
/** Returns whether AWS refused a call for lack of permission. */
export const isDenied = (error: unknown): boolean =>
  isMigrationError(error, 'AccessDenied') || /AccessDenied|UnauthorizedOperation|NotAuthorized/.test(nameOf(error));

/** Returns IAM's answer about an action by trying a read. An error other than a denial means that it was allowed. */
export const tried = async (action: string, read: () => Promise<unknown>): Promise<Answered> => {
  try {
    await read();
    return { action, answer: 'allowed' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (isDenied(error)) return { action, answer: 'denied', why };
    const lost = isMigrationError(error, 'ConnectionLost') || isMigrationError(error, 'Throttled');
    return lost ? { action, answer: 'unknown', why } : { action, answer: 'allowed' };
  }
};

/** The caller as IAM knows it, for simulations and access entries. */
export interface Principal {
  /** ARN of the role, with its path, or of the user; undefined if it could not be found out. */
  arn?: string;
  isRoot: boolean;
}

export const readPrincipal = async ({
  caller,
  clients,
}: Pick<AwsSession, 'caller' | 'clients'>): Promise<Principal> => {
  const principal = parsePrincipal(caller.arn);
  if (principal?.kind === 'root') return { isRoot: true };
  if (principal?.kind === 'user') return { arn: caller.arn, isRoot: false };
  if (principal?.kind !== 'role') return { isRoot: false };
  try {
    const arn = await new AwsRoles(clients.iam()).findRole(principal.name);
    return { isRoot: false, ...(arn === undefined ? {} : { arn }) };
  } catch (error) {
    if (isDenied(error)) return { isRoot: false };
    throw error;
  }
};

/** Returns the answer for an action by the simulated calls for its resources. */
const answerOf = (action: string, calls: readonly SimulatedCall[], isAnywhere: boolean): Answered => {
  const refused = calls.find(({ allowed }) => !allowed);
  if (!refused) return { action, answer: 'allowed' };
  // A condition on a key that is not known here may allow the real call.
  if (refused.missing.length > 0) return { action, answer: 'unknown', why: `depends on ${refused.missing.join(', ')}` };
  if (isAnywhere) return { action, answer: 'unknown', why: 'not allowed on every resource, perhaps on some' };
  return { action, answer: 'denied', ...(refused.why === undefined ? {} : { why: refused.why }) };
};

/** Asks IAM's simulation for each action. The answers are unknown if the simulation may not be used. */
export const simulated = async (
  { clients }: Pick<AwsSession, 'clients'>,
  principal: Principal,
  asked: readonly Asked[],
): Promise<Answered[]> => {
  const actions = asked.flatMap((one) => one.actions);
  if (principal.isRoot) return actions.map((action) => ({ action, answer: 'allowed' }));
  const { arn: principalArn } = principal;
  if (principalArn === undefined)
    return actions.map((action) => ({ action, answer: 'unknown', why: "the caller's role could not be read" }));
  const roles = new AwsRoles(clients.iam());
  const answers: Answered[] = [];
  for (const { actions: some, resources } of asked) {
    try {
      const calls = await roles.simulate({
        principalArn,
        actions: [...some],
        resources: [...(resources ?? ['*'])],
        context: {},
      });
      const of = (action: string): SimulatedCall[] => calls.filter((call) => call.action === action);
      answers.push(...some.map((action) => answerOf(action, of(action), resources === undefined)));
    } catch (error) {
      if (!isDenied(error) && !isMigrationError(error)) throw error;
      answers.push(
        ...some.map((action): Answered => ({
          action,
          answer: 'unknown',
          why: 'iam:SimulatePrincipalPolicy is not allowed',
        })),
      );
    }
  }
  return answers;
};

/** Tries the reads of a plan that need no cluster. */
export const triedWithoutCluster = async ({ clients }: Pick<AwsSession, 'clients'>): Promise<Answered[]> => [
  await tried('eks:DescribeAddonVersions', () =>
    clients.eks().send(new DescribeAddonVersionsCommand({ addonName: 'eks-pod-identity-agent' })),
  ),
];

/** Returns the names of the region's clusters; undefined if listing them is not allowed. */
export const readClusters = async ({ clients }: Pick<AwsSession, 'clients'>): Promise<string[] | undefined> => {
  try {
    const { clusters = [] } = await clients.eks().send(new ListClustersCommand({}));
    return clusters;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
};

/** The role that `cdk bootstrap` creates, with the qualifier that CDK uses by default. */
const bootstrapRole = ({ caller: { account }, region }: Pick<AwsSession, 'caller' | 'region'>): string =>
  `arn:${partitionOf(region)}:iam::${account}:role/cdk-hnb659fds-deploy-role-${account}-${region}`;

/** Returns whether the region is bootstrapped for CDK; undefined if IAM does not say. */
export const readBootstrap = async (
  session: Pick<AwsSession, 'caller' | 'region' | 'clients'>,
): Promise<boolean | undefined> => {
  try {
    return (await new AwsRoles(session.clients.iam()).getRole(bootstrapRole(session))) !== undefined;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
};
