/** Patterns of clusters and service accounts in the setting `roleGrants`. */
import { z } from 'zod';

const CLUSTER =
  'must be the ARN of a cluster such as arn:aws:eks:eu-west-1:111122223333:cluster/prod, or cluster/prod for clusters of that name in every account and region; * and ? are wildcards in the region and the name';

/** Source of the characters of a name: EKS API Reference, CreateCluster. The account has no wildcards. */
export const clusterPattern = z
  .string(CLUSTER)
  .max(255, CLUSTER)
  .regex(/^(?:arn:aws(?:-[a-z]+)*:eks:[a-z0-9*?-]+:\d{12}:)?cluster\/[0-9A-Za-z*?][\w*?-]{0,99}$/, CLUSTER);

const ACCOUNT =
  'must be a service account such as kube-system/ebs-csi-controller-sa, namespace before name; * and ? are wildcards, and the namespace must have a letter or digit';

/** The namespace may not be only a wildcard: a principal that may create namespaces chooses their names. */
export const serviceAccountPattern = z
  .string(ACCOUNT)
  .max(317, ACCOUNT)
  .regex(/^(?=[^/]*[a-z0-9])[a-z0-9*?-]{1,63}\/[a-z0-9.*?-]{1,253}$/, ACCOUNT);
