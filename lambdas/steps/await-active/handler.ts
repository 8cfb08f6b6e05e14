/**
 * One look at whether the add-on is ACTIVE; the state machine comes again. DEGRADED is transient until the retries
 * are used up: pods that are still starting look like that.
 * Failure: CREATE_FAILED, or an add-on that is gone, is terminal.
 */
import { MigrationError } from '../../domain/errors.ts';
import type { Association } from '../../domain/model.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitActiveSchema } from './schema.ts';

const run: StepRun<typeof awaitActiveSchema> = async ({ migrationId, target, addon }, { portsFor, ledger }) => {
  const { eks } = portsFor(target);
  const now = await eks.describeAddon(addon);
  if (!now) throw new MigrationError('AddonNotActive', `Add-on ${addon} is not there yet.`);
  const issues = now.issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ');
  if (now.status === 'CREATE_FAILED' || now.status === 'DELETING' || now.status === 'DELETE_FAILED') {
    throw new MigrationError('AddonFailed', `Add-on ${addon} is ${now.status}${issues ? ` (${issues})` : ''}.`);
  }
  if (now.status !== 'ACTIVE') throw new MigrationError('AddonNotActive', `Add-on ${addon} is ${now.status}${issues ? ` (${issues})` : ''}.`);

  const snapshot = await recordedSnapshot(ledger, migrationId);
  const found: Association[] = [];
  for (const planned of snapshot.planned) {
    const here = (await eks.listAssociations(planned.namespace, planned.serviceAccount)).find((one) => one.roleArn === planned.roleArn);
    if (!here) throw new MigrationError('AddonNotActive', `Add-on ${addon} is ACTIVE, but its association for ${planned.namespace}/${planned.serviceAccount} is not listed yet.`);
    found.push(here);
  }
  for (const association of found) await ledger.recordAssociation(migrationId, 'created', association);
  return { status: 'ACTIVE', associations: found.map((one) => one.id) };
};

export const awaitActiveStep = step(awaitActiveSchema, run);
