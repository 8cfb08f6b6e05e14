/** Knobs of what comes late: clocks that differ, and API servers that learn of callers with delay. */
import { z } from 'zod';
import { knob, OURS, seconds } from './knob.ts';

export const clockKnobs = {
  apiTokenLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent, several seconds until effective; which callers an authenticator knows late nobody says',
    'From the first call that a caller makes of an API server to its being let in: until then it answers 401.',
  ),
  accessEntryLagSeconds: knob(
    seconds.default(0),
    'likely',
    'EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent, several seconds until effective',
    'From the creation of an access entry to the API server letting its principal in: until then it answers 401.',
  ),
  functionClockSkewSeconds: knob(
    z.number().min(-240).max(240).default(0),
    'unknown',
    OURS,
    "How far the clock of the service's functions is ahead of AWS's; negative: behind. Signatures and tokens carry the functions' time. Bundled functions have the machine's clock.",
  ),
};
