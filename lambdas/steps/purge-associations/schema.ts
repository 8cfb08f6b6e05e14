import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/** Throws AssociationStillThere while a deleted one is still listed. */
export const purgeAssociationsSchema = defineStep('purge-associations', {
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ purged: z.array(z.string()) }),
});
