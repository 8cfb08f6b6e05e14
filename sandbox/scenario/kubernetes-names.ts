/** Schemas shared by the Kubernetes parts of a scenario. */
import { z } from 'zod';

/** RFC 1123: names of namespaces, service accounts and workloads. */
export const kubernetesName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    'must be a Kubernetes name (lower-case letters, digits, - and ., at most 253)',
  );
export const namespace = kubernetesName.describe('Its namespace; created if it does not exist.');
export const strings = z.record(z.string(), z.string());
