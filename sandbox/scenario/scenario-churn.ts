/** Changes in a cluster without any caller: lost nodes, autoscalers, and budgets for evictions. */
import { z } from 'zod';
import { taint } from '../objects/taints.ts';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';

const countOrShare = z.union([z.number().int().min(0).max(5000), z.string().regex(/^(\d\d?|100)%$/)]);

export const nodeLoss = z
  .strictObject({
    afterSeconds: z
      .number()
      .min(-7 * 86_400)
      .max(7 * 86_400)
      .describe('Time of the loss after the sandbox has opened; negative: before that.'),
    nodes: z.number().int().min(1).max(500).default(1).describe('Number of nodes, drawn from the seed.'),
    goneAfterSeconds: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe(
        'Time from the loss until the node and its pods are removed; if omitted, the pods stay Terminating permanently.',
      ),
    replacedAfterSeconds: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe('Time from the loss until another node joins the cluster; if omitted, none does.'),
    replacement: z
      .strictObject({
        labels: strings.optional().describe('Further labels of the node, which pods can select.'),
        taints: z.array(taint).min(1).optional().describe('Taints of the node; if omitted, none.'),
      })
      .optional()
      .describe('What that node has.'),
  })
  .meta({
    id: 'NodeLoss',
    description:
      'A node that stops reporting. Its pods are not ready from then on; after five minutes all except those of DaemonSets are deleted, and stay Terminating as long as the node object exists.',
  });
export type NodeLoss = z.infer<typeof nodeLoss>;

export const disruptionBudget = z
  .strictObject({
    namespace,
    name: kubernetesName.describe('Its name.'),
    labels: strings.describe('Labels of the pods that it covers.'),
    minAvailable: countOrShare
      .optional()
      .describe('How many of them must stay available: a number, or a percentage such as `50%`.'),
    maxUnavailable: countOrShare.optional().describe('How many of them may be unavailable instead.'),
  })
  .refine(({ minAvailable, maxUnavailable }) => (minAvailable === undefined) !== (maxUnavailable === undefined), {
    message: 'must have either minAvailable or maxUnavailable',
  })
  .meta({
    id: 'DisruptionBudget',
    description: 'A PodDisruptionBudget: evictions respect it, rollouts and deletions do not.',
  });
export type ScenarioBudget = z.infer<typeof disruptionBudget>;

export const autoscaler = z
  .strictObject({
    kind: z.enum(['Deployment', 'StatefulSet']).describe('Kind of the workload.'),
    namespace,
    name: kubernetesName.describe('Name of the workload; while it does not exist, nothing happens.'),
    minReplicas: z.number().int().min(1).max(5000).default(1).describe('Minimum number of pods.'),
    maxReplicas: z.number().int().min(1).max(5000).describe('Maximum number of pods.'),
    everySeconds: z.number().min(15).max(86_400).default(60).describe('Interval between changes of their number.'),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
    path: ['maxReplicas'],
    message: 'must not be less than minReplicas',
  })
  .meta({
    id: 'Autoscaler',
    description:
      'A HorizontalPodAutoscaler under changing load: it sets the number of pods through the subresource `scale`, as kube-controller-manager, to a number drawn from the seed each time.',
  });
export type ScenarioAutoscaler = z.infer<typeof autoscaler>;
