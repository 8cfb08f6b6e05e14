import { z } from 'zod';
import { changingStepInput, defineStep } from '../../runtime/step.ts';

/** Gives the new associations what the add-on form can't carry; `carried`: their ids. */
export const carryOverSchema = defineStep('carry-over', {
  cancellable: true,
  input: changingStepInput,
  output: z.object({ carried: z.array(z.string()) }),
});
