/** Patterns of clusters and service accounts, as the setting `roleGrants` names who may be given a role. */
import { z } from 'zod';

const CLUSTER =
  'must be the ARN of a cluster such as arn:aws:eks:eu-west-1:111122223333:cluster/prod, or cluster/prod for those of that name in every account and region; * and ? stand for other text in the region and the name';

/** Source of the characters of a name: EKS API Reference, CreateCluster. An account is always whole. */
export const clusterPattern = z
  .string(CLUSTER)
  .max(255, CLUSTER)
  .regex(/^(?:arn:aws(?:-[a-z]+)*:eks:[a-z0-9*?-]+:\d{12}:)?cluster\/[0-9A-Za-z*?][\w*?-]{0,99}$/, CLUSTER);

const ACCOUNT =
  'must be a service account such as kube-system/ebs-csi-controller-sa, namespace before name; * and ? stand for other text, and the namespace must have a letter or digit';

/** Whoever may create namespaces chooses their names: a wildcard alone would name all of them. */
export const serviceAccountPattern = z
  .string(ACCOUNT)
  .max(317, ACCOUNT)
  .regex(/^(?=[^/]*[a-z0-9])[a-z0-9*?-]{1,63}\/[a-z0-9.*?-]{1,253}$/, ACCOUNT);
