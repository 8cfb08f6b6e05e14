import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/** Throws AddonNotActive until the agent is ready; AddonFailed when it never will be. */
export const installAgentSchema = defineStep('install-agent', {
  title: 'Install the Pod Identity agent and wait until it is ready',
  environment: targetEnvironment,
  cancellable: true,
  input: lockedStepInput,
  output: z.object({
    /**
     * Of the agent that is there: the plan's, unless somebody else was faster; absent for one that EKS does not know.
     */
    version: z.string().optional(),
  }),
  changes: ['eks'],
  calls: { eks: 2, kubernetes: 1 },
});
