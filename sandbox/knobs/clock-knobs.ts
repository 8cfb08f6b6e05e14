/** Knobs for delays: clocks that differ, and API servers that recognize callers late. */
import { z } from 'zod';
import { knob, OURS, seconds } from './knob.ts';

export const clockKnobs = {
  apiTokenLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent, several seconds until effective; no source says which callers an authenticator recognizes late',
    "Time from a caller's first call to an API server until its access works; until then the API server answers 401.",
  ),
  accessEntryLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent, several seconds until effective',
    "Time from the creation of an access entry until its principal's access works; until then the API server answers 401.",
  ),
  functionClockSkewSeconds: knob(
    z.number().min(-240).max(240).default(0),
    'unknown',
    OURS,
    "How far the clock of the service's functions is ahead of AWS's; negative: behind. Signatures and tokens carry the functions' time. Bundled functions use the machine's clock.",
  ),
};
