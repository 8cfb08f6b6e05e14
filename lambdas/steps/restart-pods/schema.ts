import { z } from 'zod';
import { changingStepInput, defineStep, rollbackInput, targetEnvironment } from '../../runtime/step.ts';

export const restartPodsSchema = defineStep('restart-pods', {
  title: 'Restart the pods that kept their old identity',
  variants: {
    'restart-restored': 'Restart the pods that do not have their former identity yet',
  },
  rollbackVariant: 'restart-restored',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput.extend({
    towards: z.enum(['pod-identity', 'before']),
    round: z.number().int().min(1),
    ...rollbackInput,
  }),
  output: z.object({
    restarted: z.array(z.string()),
    /** The pods that were evicted, to see which identity the next pod gets. */
    evicted: z.array(z.string()).optional(),
    /** True if this was another try to get one new pod with the expected identity, not a restart of all. */
    isTry: z.boolean().optional(),
    /** The seconds until the pods are verified again, towards Pod Identity. */
    waitSeconds: z.number().int().positive().optional(),
  }),
  changes: ['kubernetes'],
  calls: { eks: 1, kubernetes: 6 },
});
