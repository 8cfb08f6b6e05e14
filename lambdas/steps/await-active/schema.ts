import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Throws AddonNotActive until the add-on is ACTIVE and its associations are listed, and AddonFailed if it can't become
 * ACTIVE. Returns DEGRADED too if the pods are verified next.
 */
export const awaitActiveSchema = defineStep('await-active', {
  title: 'Wait until the add-on is ACTIVE',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ status: z.enum(['ACTIVE', 'DEGRADED']), associations: z.array(z.string()) }),
  calls: { eks: 1 },
  // It only reads, and gives precedence to the steps that change something.
  patience: 'comes-back',
});
