import type { Addon, ServiceAccountState } from '../migration/model.ts';

/**
 * By which IRSA's webhook knows the role of a service account. Source: EKS User Guide, "Assign IAM roles to Kubernetes
 * service accounts".
 */
export const IRSA_ANNOTATION = 'eks.amazonaws.com/role-arn';

/**
 * The role that an add-on, or a service account, has by IRSA, of whatever has either; `undefined` where it has none, or
 * nobody could see.
 */
export const irsaRoleOf = ({
  addon,
  serviceAccount,
}: {
  addon?: Addon | undefined;
  serviceAccount?: ServiceAccountState | undefined;
}): string | undefined => addon?.serviceAccountRoleArn ?? serviceAccount?.roleArn;
