import { z } from 'zod';
import { accountId, clusterName, regionName } from '../../domain/text/names.ts';
import { sweepId } from '../../domain/sweep/request.ts';
import { defineStep, planningEnvironment } from '../../runtime/step.ts';

const position = { after: clusterName.optional(), tooShortFor: clusterName.optional() };

/**
 * Inspects the clusters of one region of one account, as many as the time allows, and returns where the next call continues.
 */
export const takeInventorySchema = defineStep('take-inventory', {
  title: 'Take the inventory of an account and region',
  environment: planningEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `after` is the name of the last inspected cluster; for `tooShortFor`, see `LocationProgress`. */
  input: z.object({ sweepId, account: accountId, region: regionName, ...position }),
  output: z.object({ done: z.boolean(), ...position, clusters: z.int() }),
  timeoutSeconds: 900,
});
