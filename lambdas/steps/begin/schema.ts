import { z } from 'zod';
import { defineStep, stepInput } from '../../runtime/step.ts';

/** Throws RoleLockHeld while another add-on that shares a role is being migrated, LockHeld where another run has this one. */
export const beginSchema = defineStep('begin', {
  cancellable: true,
  input: stepInput.extend({ executionArn: z.string() }),
  output: z.object({ fence: z.number().int().positive() }),
});
