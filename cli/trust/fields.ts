/** Fields of a question about a trust policy, as typed on the command line or written in a line of a batch. */
import { z } from 'zod';
import { parseClusterArn } from '../../lambdas/domain/aws/arn.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';

/** Parses the ARN of a cluster to a target. */
export const clusterArnField = z.string().transform((text, context): Target => {
  const target = parseClusterArn(text);
  if (target) return target;
  context.addIssue({
    code: 'custom',
    message:
      "must be the ARN of an EKS cluster, with its region's partition, such as arn:aws:eks:eu-west-1:111122223333:cluster/my-cluster",
  });
  return z.NEVER;
});

/** A DNS label (Kubernetes documentation, "Namespaces"). */
export const namespaceField = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be the name of a namespace such as kube-system');

/** A DNS subdomain (Kubernetes documentation, "Configure Service Accounts for Pods"). */
export const serviceAccountField = z
  .string()
  .max(253, 'must have at most 253 characters')
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'must be the name of a service account such as ebs-csi-controller-sa',
  );

const ISSUER = /^(?:https:\/\/)?((?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d{1,5})?(?:\/[\w.~-]+)*)\/?$/i;

/** The issuer as in `aws eks describe-cluster`, or as in IAM, without `https://`. */
export const oidcIssuerField = z.string().transform((text, context): string => {
  const issuer = text.length > 255 ? undefined : ISSUER.exec(text)?.[1];
  if (issuer !== undefined) return `https://${issuer}`;
  context.addIssue({
    code: 'custom',
    message:
      "must be the address of the cluster's OIDC issuer such as https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
  });
  return z.NEVER;
});
