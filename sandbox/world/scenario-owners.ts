/** The parts of a cluster that show who owns its resources. */
import { z } from 'zod';
import { roleArn } from '../../lambdas/domain/migration/model.ts';
import { tags, timestamp } from './scenario-cluster.ts';

export const capability = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w-]{0,99}$/, 'must be at most 100 letters, digits, hyphens and underscores')
      .describe('Its name.'),
    type: z
      .enum(['ACK', 'ARGOCD', 'KRO'])
      .describe('What AWS runs: AWS Controllers for Kubernetes, Argo CD, or Kube Resource Orchestrator.'),
    roleArn: roleArn
      .optional()
      .describe("The role that it calls AWS with, in the cluster's account; if omitted, the name CLUSTER-NAME."),
    status: z
      .enum(['ACTIVE', 'DEGRADED', 'CREATING', 'UPDATING', 'DELETING', 'CREATE_FAILED', 'DELETE_FAILED'])
      .default('ACTIVE')
      .describe('Its status; it does not change.'),
    version: z.string().min(1).optional().describe('Version of the software; if omitted, EKS shows none.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp.optional().describe('When it was created; if omitted, together with the cluster.'),
  })
  .meta({ id: 'Capability', description: 'An EKS capability. A cluster has at most one of each type.' });
export type ScenarioCapability = z.infer<typeof capability>;
