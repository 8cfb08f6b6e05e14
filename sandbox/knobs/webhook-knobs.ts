/** Knobs for the webhook that injects what pods find their credentials with. */
import { z } from 'zod';
import { knob, OURS, seconds } from './knob.ts';

export const webhookKnobs = {
  webhookLagSeconds: knob(
    seconds.default(0),
    'likely',
    'aws/eks-pod-identity-agent#52, aws/amazon-eks-pod-identity-webhook#264: 0 to 10 seconds',
    'Time from the creation of an association until the webhook uses it; pods admitted before that get no identity from it.',
  ),
  webhookFlapSeconds: knob(
    seconds.default(0),
    'unknown',
    'aws/eks-pod-identity-agent#153: the share of injected pods goes from 100 % to 0 % and back over minutes; no period is known',
    'Period, from the time at which the webhook knows an association, after whose first part it does not use the association (webhookFlapShare): pods admitted then fall back to their IRSA role or to the node role, without an error. 0: the webhook always uses it.',
  ),
  webhookFlapShare: knob(
    z.number().min(0).max(1).default(0.5),
    'unknown',
    OURS,
    'The part of each period (webhookFlapSeconds), at its end, in which the webhook does not use an association.',
  ),
  webhookRemovalLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Pod Identity: considerations": eventually consistent, with delays of several seconds; no source says how long the webhook uses a deleted association',
    'Time from the deletion of an association until the webhook stops using it; pods admitted before that get the environment of EKS Pod Identity, but no credentials.',
  ),
};
