/** The parts of a cluster that show who owns its resources. */
import { z } from 'zod';
import { roleArn } from '../../lambdas/domain/text/names.ts';
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

export const controller = z
  .strictObject({
    tool: z
      .enum(['ack', 'crossplane', 'cluster-api', 'argo-cd', 'flux'])
      .describe('The tool. Its field manager, or the default of its role, is named after it.'),
    owns: z
      .enum(['add-on', 'association', 'trust-policy', 'annotation'])
      .describe(
        'What it puts back: the role and the associations of an add-on, an association, a trust policy, or the role annotation of a service account, which only `argo-cd` and `flux` do.',
      ),
    name: z
      .string()
      .min(1)
      .describe(
        'Name of the add-on, id of the association, ARN of the role, or `namespace/name` of the service account.',
      ),
    everySeconds: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe(
        'Interval in which it compares; if omitted, the default of the tool: ten hours for ACK, three minutes for Argo CD, ten minutes for the others.',
      ),
    paused: z.boolean().default(false).describe('Whether its reconciliation of that resource is suspended.'),
    roleArn: roleArn
      .optional()
      .describe(
        'The role that it calls AWS with, in the list of the account; if omitted, a role CLUSTER-TOOL that may do everything that is needed.',
      ),
  })
  .meta({
    id: 'Controller',
    description:
      'A controller that compares a resource with its state at the opening of the sandbox, and puts that back if anybody has changed it.',
  });
export type ScenarioController = z.infer<typeof controller>;
