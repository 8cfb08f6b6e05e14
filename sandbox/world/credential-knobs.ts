/** Knobs of what pods get from EKS Auth and STS, and for how long they have it. */
import { z } from 'zod';
import { knob, OURS, seconds } from './knob.ts';

export const credentialKnobs = {
  podSessionSeconds: knob(
    seconds.min(900).default(21_600),
    'likely',
    'EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services": the session lasts six hours',
    'How long the credentials live that EKS Auth gives a pod.',
  ),
  agentRenewalSeconds: knob(
    seconds.min(60).default(10_800),
    'certain',
    'aws/eks-pod-identity-agent, internal/cache: at most three hours',
    'After how long the agent asks EKS Auth anew for a pod that has credentials.',
  ),
  irsaSessionSeconds: knob(
    seconds.min(900).default(3600),
    'certain',
    'STS API Reference, AssumeRoleWithWebIdentity: DurationSeconds is 3,600 by default; SDKs leave it out',
    'How long the credentials live that STS gives for the token of a service account.',
  ),
  refusedRenewal: knob(
    z.enum(['keeps', 'drops']).default('keeps'),
    'likely',
    'aws/eks-pod-identity-agent drops its entry at ResourceNotFound and AccessDenied; SDKs keep what they have until shortly before it expires, programs that start anew have nothing',
    'What is left of unexpired credentials once their renewal is refused, such as after the association is gone: the pod keeps them until they expire, or has none from then on.',
  ),
  eksAuthLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Pod Identity: considerations": eventually consistent, with delays of several seconds',
    'From the association to EKS Auth knowing it; until then it finds none.',
  ),
  undecidedTrust: knob(
    z.enum(['allows', 'denies']).default('allows'),
    'unknown',
    OURS,
    'What EKS Auth and STS find of a trust policy with condition keys whose values the sandbox does not know, such as the organisation or the address of a caller.',
  ),
  podsWaitForCredentials: knob(
    z.boolean().default(false),
    'unknown',
    'it depends on the software: the VPC CNI crashes without credentials, most controllers run and fail at each call',
    'Pods that have an AWS identity are not ready before they have got credentials.',
  ),
};
