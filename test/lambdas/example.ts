/** The example of the tests: the names, ARNs, times and trust policies of one EBS CSI driver on one cluster. */
import type { LockHolder } from '../../lambdas/domain/migration/locks.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import { roleLock, subjectLock } from '../../lambdas/use-cases/migration/lock.ts';

export const ACCOUNT = '111122223333';
export const CLUSTER = 'dev';
export const target: Target = { account: ACCOUNT, region: 'eu-west-1', cluster: CLUSTER };
export const ADDON = 'aws-ebs-csi-driver';
export const VERSION = 'v1.38.1-eksbuild.1';
export const NAMESPACE = 'kube-system';
export const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/ebs-csi`;
export const OTHER_ROLE = `arn:aws:iam::${ACCOUNT}:role/third-party`;
export const NODE_ROLE = `arn:aws:iam::${ACCOUNT}:role/dev-nodes`;
/** The pattern that every role of the account matches. */
export const ROLES_OF_ACCOUNT = `arn:aws:iam::${ACCOUNT}:role/*`;
export const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
export const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
export const OTHER_MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4B';
export const executionArn = (name: string, machine = 'MigrateAddon'): string =>
  `arn:aws:states:eu-west-1:${ACCOUNT}:execution:${machine}:${name}`;
export const EXECUTION = executionArn(MIGRATION_ID);
export const OTHER_EXECUTION = executionArn(OTHER_MIGRATION_ID);
/** An execution of Recover for the migration `MIGRATION_ID`. */
export const RECOVERY_EXECUTION = executionArn(`${MIGRATION_ID}-1767603600`, 'Recover');
export const ADDON_LOCK = subjectLock(target, ADDON);
export const ROLE_LOCK = roleLock(ROLE);
/** When the tests' clock starts; `at` returns times before and after it. */
export const NOW = Date.UTC(2026, 0, 5, 9);
export const at = (secondsFromNow: number): string => new Date(NOW + secondsFromNow * 1000).toISOString();

export const addonArn = (incarnation: number, addon = ADDON, cluster = CLUSTER): string =>
  `arn:aws:eks:eu-west-1:${ACCOUNT}:addon/${cluster}/${addon}/${String(incarnation).padStart(8, '0')}-b9c2-8915-4e17-e8be0a55a149`;

export const podIdentityStatement = {
  Sid: 'PodIdentity',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
const issuerPath = ISSUER.replace('https://', '');
export const irsaStatement = {
  Sid: 'Irsa',
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuerPath}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringEquals: {
      [`${issuerPath}:sub`]: `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`,
      [`${issuerPath}:aud`]: 'sts.amazonaws.com',
    },
  },
};
export const policyText = (...statements: unknown[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
export const bothWays = policyText(irsaStatement, podIdentityStatement);

/** What holds a lock since then: an execution of the migration, or of another one. */
export const ownHolder = (since: string): LockHolder => ({ migrationId: MIGRATION_ID, executionArn: EXECUTION, since });
export const otherHolder = (since: string): LockHolder => ({
  migrationId: OTHER_MIGRATION_ID,
  executionArn: OTHER_EXECUTION,
  since,
});
