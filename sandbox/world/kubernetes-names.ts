/** What the parts of a scenario that are about Kubernetes have in common. */
import { z } from 'zod';

/** RFC 1123: names of namespaces, service accounts and workloads. */
export const kubernetesName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    'must be a Kubernetes name (lower-case letters, digits, - and ., at most 253)',
  );
export const namespace = kubernetesName.describe('Its namespace; made where it is missing.');
export const strings = z.record(z.string(), z.string());
