import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/** Throws AddonStillThere until the add-on is deleted. */
export const awaitDeletedSchema = defineStep('await-deleted', {
  title: 'Wait until the add-on is gone',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ gone: z.literal(true) }),
  calls: { eks: 1 },
  patience: 'goes-on',
});
