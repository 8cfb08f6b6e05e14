/**
 * A plan without a deployed service: it is made with the caller's own credentials before anything is deployed. What only a
 * deployment knows (its settings, roles and locks) neither blocks such a plan nor passes as known (ADR 63).
 */
import { grantCommand } from '../access/command.ts';
import { ACCESS_GROUPS } from '../access/rules.ts';
import type { MigrationRequest } from '../request/request.ts';
import { shellCommand } from '../text/shell.ts';

export interface Preview {
  /** The caller's own role, about which IAM is asked instead of the service's roles. Absent if IAM cannot be asked. */
  roleArn?: string | undefined;
  /** Why IAM cannot be asked, as a clause. */
  why?: string | undefined;
}

/** The beginning of a sentence about what is not known. */
export const NOT_ASKED = 'No deployed service was asked';

/** Returns the commands that let the caller read the API server; `PRINCIPAL_ARN` if the caller's role is not known. */
export const readAccessCommands = (
  request: Pick<MigrationRequest, 'target'> & Partial<Pick<MigrationRequest, 'serviceAccount' | 'annotation'>>,
  { roleArn }: Preview,
): string => {
  const { cluster, region } = request.target;
  return `${shellCommand(
    ['aws', 'eks', 'create-access-entry', '--cluster-name', cluster, '--region', region],
    ['--principal-arn', roleArn ?? 'PRINCIPAL_ARN', '--kubernetes-groups', ACCESS_GROUPS.read],
  )} , and to give the group its permissions: ${grantCommand({ annotation: 'keep', ...request })}`;
};
