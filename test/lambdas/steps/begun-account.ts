/** The fakes with the service account `payments/api` in them, before and after `begin`. */
import type { Migration, Snapshot } from '../../../lambdas/domain/record/migration.ts';
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { ACCOUNT_TRUST, SUBJECT, SUBJECT_LOCK } from '../account-example.ts';
import {
  accountMigration,
  accountPlan,
  accountSnapshot,
  anAccountPod,
  anAccountRequest,
  anAccountWorkload,
  aServiceAccount,
  ownAssociation,
} from '../account-fixtures.ts';
import { agentDaemonSet } from '../eks-fixtures.ts';
import { ROLE } from '../example.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { begunFrom, type Begun } from './begun.ts';

/** Puts the service account, its Deployment and its role into that world. */
function withAccount<F extends Fakes>(fakes: F): F {
  const { kubernetes, roles } = fakes;
  kubernetes.serviceAccounts = [aServiceAccount()];
  kubernetes.pods = [anAccountPod('irsa')];
  kubernetes.workloads = [anAccountWorkload(), agentDaemonSet()];
  roles.trust[ROLE] = ACCOUNT_TRUST;
  return fakes;
}
export const accountFakes = (): Fakes => withAccount(newFakes());

export interface AccountChange {
  request?: Partial<MigrationRequestInput>;
  record?: Partial<Migration>;
  plan?: Partial<Plan>;
  snapshot?: Partial<Snapshot>;
}

/** A migration that `begin` has let through, as `begun` is one of an add-on. */
export async function begunAccount({
  request = {},
  record = {},
  plan = {},
  snapshot = {},
}: AccountChange = {}): Promise<Begun> {
  const existing = snapshot.associations?.map(({ id }) => id) ?? [];
  const migration = accountMigration({
    request: anAccountRequest(request),
    plan: accountPlan({ ...(snapshot.planned ? { associations: snapshot.planned } : {}), existing, ...plan }),
    attempt: 0,
    ...record,
  });
  const fakes = withAccount(
    await begunFrom(migration, accountSnapshot(snapshot), { subject: SUBJECT, lock: SUBJECT_LOCK }),
  );
  fakes.eks.associations = structuredClone(snapshot.associations ?? []);
  return fakes;
}

/** With the association made and noted. */
export async function associated(change: AccountChange = {}): Promise<Begun> {
  const fakes = await begunAccount(change);
  fakes.eks.associations = [ownAssociation()];
  await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', ownAssociation());
  return fakes;
}
