/** Commands about trust policies, as they would be typed. */
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { PROGRAM } from '../options.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import { acceptOptions, backendFlags } from '../request.ts';
import type { TrustCheckFlags } from './options.ts';

/** Returns the command that shows the repair of the same policy for the same service account. */
export const repairCommand = (given: TrustCheckFlags): string =>
  [
    `${PROGRAM} trust repair --dry-run`,
    ...(given.policy === undefined ? [`--role-arn ${given.roleArn ?? ''}`] : [`--policy ${shellWord(given.policy)}`]),
    `--cluster-arn ${clusterArn(given.clusterArn)}`,
    `--namespace ${given.namespace}`,
    `--service-account ${given.serviceAccount}`,
    ...(given.oidcIssuer === undefined ? [] : [`--oidc-issuer ${shellWord(given.oidcIssuer)}`]),
    ...(given.disableSessionTags ? ['--disable-session-tags'] : []),
    ...acceptOptions(given),
    ...backendFlags(given),
  ].join(' ');
