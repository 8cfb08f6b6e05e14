import type { Step } from '../runtime/step.ts';
import { awaitActiveStep } from './await-active/handler.ts';
import { awaitDeletedStep } from './await-deleted/handler.ts';
import { beginStep } from './begin/handler.ts';
import { createAddonStep } from './create-addon/handler.ts';
import { deleteAddonStep } from './delete-addon/handler.ts';
import { finishStep } from './finish/handler.ts';
import { planStep } from './plan/handler.ts';
import { purgeAssociationsStep } from './purge-associations/handler.ts';
import { restartPodsStep } from './restart-pods/handler.ts';
import { restoreStep } from './restore/handler.ts';
import type { StepName } from './schemas.ts';
import { verifyPodsStep } from './verify-pods/handler.ts';

/** Every step's handler by its name, which is also its bundle's and its function's. */
export const steps: Record<StepName, Step> = {
  plan: planStep,
  begin: beginStep,
  'delete-addon': deleteAddonStep,
  'await-deleted': awaitDeletedStep,
  'purge-associations': purgeAssociationsStep,
  'create-addon': createAddonStep,
  'await-active': awaitActiveStep,
  'verify-pods': verifyPodsStep,
  'restart-pods': restartPodsStep,
  restore: restoreStep,
  finish: finishStep,
};
