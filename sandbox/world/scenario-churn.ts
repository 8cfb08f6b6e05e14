/** What goes on in a cluster by itself: nodes that get lost, autoscalers, and budgets that evictions heed. */
import { z } from 'zod';
import { kubernetesName, namespace, strings } from './kubernetes-names.ts';

const countOrShare = z.union([z.number().int().min(0).max(5000), z.string().regex(/^(\d\d?|100)%$/)]);

export const nodeLoss = z
  .strictObject({
    afterSeconds: z
      .number()
      .min(-7 * 86_400)
      .max(7 * 86_400)
      .describe('When it happens, after the sandbox has opened; negative: before that.'),
    nodes: z.number().int().min(1).max(500).default(1).describe('How many, drawn from the seed.'),
    goneAfterSeconds: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe(
        'From the loss to the end of the node, with which its pods are gone too; where it is left out, they stay Terminating for good.',
      ),
    replacedAfterSeconds: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe('From the loss to another node of the cluster; none where it is left out.'),
  })
  .meta({
    id: 'NodeLoss',
    description:
      "A node that nobody hears of any more. Its pods are not ready from then on; after five minutes all but those of DaemonSets are deleted, and stay Terminating as long as the node's object is there.",
  });
export type NodeLoss = z.infer<typeof nodeLoss>;

export const disruptionBudget = z
  .strictObject({
    namespace,
    name: kubernetesName.describe('Its name.'),
    labels: strings.describe('Labels of the pods that it is about.'),
    minAvailable: countOrShare.optional().describe('How many of them must stay: a number, or a share such as `50%`.'),
    maxUnavailable: countOrShare.optional().describe('How many of them may be missing instead.'),
  })
  .refine(({ minAvailable, maxUnavailable }) => (minAvailable === undefined) !== (maxUnavailable === undefined), {
    message: 'must have either minAvailable or maxUnavailable',
  })
  .meta({
    id: 'DisruptionBudget',
    description: 'A PodDisruptionBudget: evictions heed it, rollouts and deletions do not.',
  });
export type ScenarioBudget = z.infer<typeof disruptionBudget>;

export const autoscaler = z
  .strictObject({
    kind: z.enum(['Deployment', 'StatefulSet']).describe('Kind of the workload.'),
    namespace,
    name: kubernetesName.describe('Name of the workload; while there is none, nothing happens.'),
    minReplicas: z.number().int().min(1).max(5000).default(1).describe('The fewest pods.'),
    maxReplicas: z.number().int().min(1).max(5000).describe('The most pods.'),
    everySeconds: z.number().min(15).max(86_400).default(60).describe('How often it changes their number.'),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
    path: ['maxReplicas'],
    message: 'must not be less than minReplicas',
  })
  .meta({
    id: 'Autoscaler',
    description:
      'A HorizontalPodAutoscaler under changing load: it sets the number of pods by the subresource `scale`, as kube-controller-manager, to one that is drawn from the seed each time.',
  });
export type ScenarioAutoscaler = z.infer<typeof autoscaler>;
