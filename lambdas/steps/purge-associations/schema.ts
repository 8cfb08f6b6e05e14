import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

/** Throws AssociationStillThere while a deleted one is still listed. */
export const purgeAssociationsSchema = defineStep('purge-associations', {
  input: lockedStepInput,
  output: z.object({ purged: z.array(z.string()) }),
});
