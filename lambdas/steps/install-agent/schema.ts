import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/** Throws AddonNotActive until the agent is ready, and AddonFailed if it can't become ready. */
export const installAgentSchema = defineStep('install-agent', {
  title: 'Install the Pod Identity agent and wait until it is ready',
  environment: targetEnvironment,
  cancellable: true,
  input: lockedStepInput,
  output: z.object({
    /**
     * The version of the agent's add-on: the plan's, unless another writer was faster; absent for an agent without an add-on.
     */
    version: z.string().optional(),
  }),
  changes: ['eks'],
  calls: { eks: 2, kubernetes: 1 },
});
