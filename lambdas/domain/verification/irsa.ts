import type { Addon, ServiceAccountState } from '../terms/observed.ts';

/**
 * The annotation with the IRSA role of a service account. Source: EKS User Guide, "Assign IAM roles to Kubernetes
 * service
 * accounts".
 */
export const IRSA_ANNOTATION = 'eks.amazonaws.com/role-arn';

/**
 * Returns the IRSA role of an add-on or a service account; `undefined` if it has none, or if it could not be read.
 */
export const irsaRoleOf = ({
  addon,
  serviceAccount,
}: {
  addon?: Addon | undefined;
  serviceAccount?: ServiceAccountState | undefined;
}): string | undefined => addon?.serviceAccountRoleArn ?? serviceAccount?.roleArn;
