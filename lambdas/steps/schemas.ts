import { awaitActiveSchema } from './await-active/schema.ts';
import { awaitDeletedSchema } from './await-deleted/schema.ts';
import { beginSchema } from './begin/schema.ts';
import { createAddonSchema } from './create-addon/schema.ts';
import { deleteAddonSchema } from './delete-addon/schema.ts';
import { finishSchema } from './finish/schema.ts';
import { planSchema } from './plan/schema.ts';
import { purgeAssociationsSchema } from './purge-associations/schema.ts';
import { restartPodsSchema } from './restart-pods/schema.ts';
import { restoreSchema } from './restore/schema.ts';
import { verifyPodsSchema } from './verify-pods/schema.ts';

/** Every step of `MigrateAddon`, in the order of the road. A new step is added here and in `index.ts`. */
export const stepSchemas = {
  plan: planSchema,
  begin: beginSchema,
  'delete-addon': deleteAddonSchema,
  'await-deleted': awaitDeletedSchema,
  'purge-associations': purgeAssociationsSchema,
  'create-addon': createAddonSchema,
  'await-active': awaitActiveSchema,
  'verify-pods': verifyPodsSchema,
  'restart-pods': restartPodsSchema,
  restore: restoreSchema,
  finish: finishSchema,
} as const;

export type StepName = keyof typeof stepSchemas;
