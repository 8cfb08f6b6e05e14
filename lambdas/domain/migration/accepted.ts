/** The names of what a request accepts: each names one thing that would block otherwise. */
import { z } from 'zod';

/** A container of a workload, such as `ebs-csi-controller/ebs-plugin`, or of a pod without one: `NAME/CONTAINER`. */
export const containerName = z
  .string()
  .max(512)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be WORKLOAD/CONTAINER');

/** An image as pods name it: repository, and tag or digest. */
export const imageName = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9][\w.:/@-]*$/, 'must be an image, such as registry.k8s.io/external-dns/external-dns:v0.13.6');

/**
 * A consumer of a web identity, as the plan names it: `KIND/NAMESPACE/NAME`, such as `SecretStore/shop/aws`; `KIND/NAME`
 * for a cluster-scoped object; `KIND.GROUP` in the place of the kind where another group has that kind, too; `RESOURCE.GROUP`, such as `secretstores.external-secrets.io`, for objects that could not
 * be read; and a subject pattern of a trust policy, such as `system:serviceaccount:*:api`.
 */
export const consumerName = z
  .string()
  .max(640)
  .regex(
    /^([A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?){1,2}|[a-z][a-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|system:[-a-z0-9.*?:]+|[*?][-a-z0-9.*?:]*)$/,
    'must be KIND/NAMESPACE/NAME, KIND/NAME or RESOURCE.GROUP, as the plan names it, such as SecretStore/shop/aws',
  );

/** A network policy, as the plan names it: `KIND/NAMESPACE/NAME`, or `KIND/NAME` for a cluster-scoped one. */
export const networkPolicyName = z
  .string()
  .max(640)
  .regex(
    /^[A-Z][A-Za-z0-9]*(\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?){1,2}$/,
    'must be KIND/NAMESPACE/NAME or KIND/NAME, as the plan names it, such as NetworkPolicy/shop/default-deny',
  );

/** The largest number of objects of one kind that a request accepts by name. */
export const MAX_ACCEPTED = 100;
