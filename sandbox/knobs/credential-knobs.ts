/** Knobs for the credentials that pods get from EKS Auth and STS, and for their lifetime. */
import { z } from 'zod';
import { knob, OURS, seconds } from './knob.ts';
import { networkKnobs } from './network-knobs.ts';

export const credentialKnobs = {
  podSessionSeconds: knob(
    seconds.min(900).default(21_600),
    'likely',
    'EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services": the session lasts six hours',
    'Lifetime of the credentials that EKS Auth issues to a pod.',
  ),
  agentRenewalSeconds: knob(
    seconds.min(60).default(10_800),
    'certain',
    'aws/eks-pod-identity-agent, internal/cache: at most three hours',
    "Time after which the agent renews a pod's credentials with EKS Auth.",
  ),
  irsaSessionSeconds: knob(
    seconds.min(900).default(3600),
    'certain',
    'STS API Reference, AssumeRoleWithWebIdentity: DurationSeconds is 3,600 by default; SDKs omit it',
    'Lifetime of the credentials that STS issues for a service account token.',
  ),
  refusedRenewal: knob(
    z.enum(['keeps', 'drops']).default('keeps'),
    'likely',
    'aws/eks-pod-identity-agent drops its entry at ResourceNotFound and AccessDenied; SDKs keep their credentials until shortly before expiry, while restarted programs have none',
    'What happens to unexpired credentials once their renewal is refused, such as after the association is deleted: the pod keeps them until they expire, or loses them at once.',
  ),
  eksAuthLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Pod Identity: considerations": eventually consistent, with delays of several seconds',
    'Time from the creation of an association until EKS Auth finds it.',
  ),
  undecidedTrust: knob(
    z.enum(['allows', 'denies']).default('allows'),
    'unknown',
    OURS,
    "How EKS Auth and STS evaluate a trust policy with condition keys whose values the sandbox does not know, such as a caller's organization or address.",
  ),
  podsWaitForCredentials: knob(
    z.boolean().default(false),
    'unknown',
    'it depends on the software: the VPC CNI crashes without credentials, most controllers run and fail at each call',
    'Pods with an AWS identity become ready only once they have credentials.',
  ),
  softwareWithoutCredentials: knob(
    z.enum(['sdk-crashes', 'crashes', 'logs']).default('sdk-crashes'),
    'unknown',
    'it depends on the software: many controllers exit at their first failed call, others log it and retry (docs/sandbox-design.md)',
    'What a container does that gets no AWS credentials although its environment names a source. `sdk-crashes`: a container with a declared SDK (`sdk`) exits if it never gets any because of that SDK, and the kubelet restarts it, with growing pauses; `crashes`: so does every container that has none when it first needs them, whatever the reason; `logs`: none exits, and all stay ready.',
  ),
  firstCallSeconds: knob(
    seconds.min(1).default(15),
    'placeholder',
    OURS,
    'Time from the start of a container until its software first uses AWS, and exits if it has no credentials.',
  ),
  ...networkKnobs,
};
