import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

export const restartPodsSchema = defineStep('restart-pods', {
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput.extend({ towards: z.enum(['pod-identity', 'before']), round: z.number().int().min(1) }),
  output: z.object({ restarted: z.array(z.string()) }),
});
