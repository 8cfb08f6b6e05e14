/** What EKS checks of a role before it takes it. */
import { listOf, trustStatements } from '../iam/trust-policy.ts';
import type { TrustStatement } from '../iam/trust-policy.ts';
import { findRole } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';

const PODS_PRINCIPAL = 'pods.eks.amazonaws.com';
const PODS_ACTIONS = ['sts:AssumeRole', 'sts:TagSession'];

/**
 * PassRole over accounts is refused, and so is what is no ARN at all: an empty `serviceAccountRoleArn` is how most
 * users meet this text (hashicorp/terraform-provider-aws#30645, eksctl-io/eksctl#8718).
 */
export const checkRoleAccount = (account: string, roleArn: string | undefined): void => {
  if (roleArn === undefined) return;
  const [arn, , service, , owner] = roleArn.split(':');
  if (arn !== 'arn' || service !== 'iam' || owner !== account) throw new EksError('AccessDeniedException', 'Cross-account pass role is not allowed.');
};

/** An action of a statement may hold `*` and `?`; upper and lower case are the same. */
const coversAction = (pattern: string, action: string): boolean => {
  const expression = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 'i').test(action);
};

const namesPods = ({ Principal: principal }: TrustStatement): boolean => principal === '*' || listOf(principal?.Service).includes(PODS_PRINCIPAL);

/**
 * A structural look, as EKS's own seems to be: some statements allow the pods' principal both actions. Conditions and
 * denies are not judged here; STS judges them later, when the agent asks for credentials.
 */
export const trustsPods = (trustPolicy: string): boolean => {
  const allowed = trustStatements(trustPolicy)
    .filter((statement) => statement.Effect === 'Allow' && namesPods(statement))
    .flatMap((statement) => listOf(statement.Action));
  return PODS_ACTIONS.every((action) => allowed.some((pattern) => coversAction(pattern, action)));
};

/** Refuses a role that an association can't have: hashicorp/terraform-provider-aws#34711 and #41483, aws/aws-cdk#31522. */
export const checkAssociationRole = (world: World, account: string, roleArn: string, fields: ErrorFields): void => {
  checkRoleAccount(account, roleArn);
  const role = findRole(world, roleArn);
  const tooYoung = role !== undefined && world.schedule.now() - role.createdAt < world.knobs.iamLagSeconds * 1000;
  if (!role || tooYoung) throw new EksError('InvalidParameterException', 'Role provided in the request does not exist.', fields);
  if (!trustsPods(role.trustPolicy)) throw new EksError('InvalidParameterException', 'Trust policy of the role provided is invalid', fields);
};
