/**
 * A service account that is no add-on's, `payments/api`, whose Deployment uses IRSA: what the fixtures of an add-on do
 * not have.
 */
import type { ServiceAccountDetail, Pod, Workload } from '../../lambdas/domain/kubernetes/objects.ts';
import { parseTrust } from '../../lambdas/domain/trust/policy.ts';
import { migrationRequest } from '../../lambdas/domain/migration/model.ts';
import type {
  Association,
  Migration,
  MigrationRequestInput,
  Plan,
  PlannedAssociation,
  PodIdentity,
  ServiceAccountRequest,
  ServiceAccountState,
  Snapshot,
} from '../../lambdas/domain/migration/model.ts';
import type { ServiceAccountFacts } from '../../lambdas/domain/plan/facts.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import { subjectLock } from '../../lambdas/use-cases/migration/lock.ts';
import { newFakes, type Fakes } from './fakes.ts';
import {
  aContainer,
  agentDaemonSet,
  aMigration,
  anAssociation,
  answeredRights,
  aPlan,
  aPod,
  aWorkload,
  at,
  irsaStatement,
  ISSUER,
  MIGRATION_ID,
  podIdentityStatement,
  policyText,
  ROLE,
  ROLE_LOCK,
  someFacts,
  target,
} from './fixtures.ts';
import { begunFrom, type Begun } from './steps/begun.ts';

export const ACCOUNT_NAMESPACE = 'payments';
export const ACCOUNT_NAME = 'api';
export const SUBJECT = `${ACCOUNT_NAMESPACE}/${ACCOUNT_NAME}`;
export const SUBJECT_LOCK = subjectLock(target, SUBJECT);
export const ANNOTATION = 'eks.amazonaws.com/role-arn';
export const REF = { namespace: ACCOUNT_NAMESPACE, name: ACCOUNT_NAME };

const issuer = ISSUER.replace('https://', '');
/** Lets the service account in by IRSA, and by it alone. */
export const accountIrsaStatement = {
  ...irsaStatement,
  Condition: {
    StringEquals: {
      [`${issuer}:sub`]: `system:serviceaccount:${ACCOUNT_NAMESPACE}:${ACCOUNT_NAME}`,
      [`${issuer}:aud`]: 'sts.amazonaws.com',
    },
  },
};
export const ACCOUNT_TRUST = policyText(accountIrsaStatement, podIdentityStatement);

/** As the API server has it. */
export const aServiceAccount = (change: Partial<ServiceAccountDetail> = {}): ServiceAccountDetail => ({
  ...REF,
  uid: 'uid-of-api',
  resourceVersion: '7',
  roleArn: ROLE,
  annotatedBy: ['kubectl-annotate'],
  labels: {},
  annotations: {},
  managers: ['kubectl-annotate'],
  ...change,
});
/** As it is remembered. */
export const aState = (change: Partial<ServiceAccountState> = {}): ServiceAccountState => ({
  ...REF,
  uid: 'uid-of-api',
  roleArn: ROLE,
  annotatedBy: ['kubectl-annotate'],
  ...change,
});

export const anAccountRequest = (change: Partial<MigrationRequestInput> = {}): ServiceAccountRequest => ({
  ...migrationRequest.parse({ target, serviceAccount: REF, ...change }),
  serviceAccount: change.serviceAccount ?? REF,
});

export const plannedAccount: PlannedAssociation = {
  namespace: ACCOUNT_NAMESPACE,
  serviceAccount: ACCOUNT_NAME,
  roleArn: ROLE,
};
export const anAccountAssociation = (change: Partial<Association> = {}): Association =>
  anAssociation({ id: 'a-there0000000000001', namespace: ACCOUNT_NAMESPACE, serviceAccount: ACCOUNT_NAME, ...change });
/** As the migration makes it. */
export const ownAssociation = (change: Partial<Association> = {}): Association =>
  anAccountAssociation({
    id: 'a-own',
    tags: { [MIGRATION_TAG]: MIGRATION_ID },
    createdAt: at(5),
    modifiedAt: at(5),
    ...change,
  });

const ofAccount = { namespace: ACCOUNT_NAMESPACE, serviceAccount: ACCOUNT_NAME, labels: { app: 'api' } };
export const anAccountPod = (identity: Exclude<PodIdentity, 'not-applicable'>, change: Partial<Pod> = {}): Pod =>
  aPod(identity, { name: 'api-1', ...ofAccount, owner: { kind: 'Deployment', name: 'api' }, ...change });
export const anAccountWorkload = (change: Partial<Workload> = {}): Workload =>
  aWorkload({ name: 'api', ...ofAccount, containers: [aContainer({ name: 'api' })], managedFields: [], ...change });

/** Facts from which a plan says `migrate`. */
export const accountFacts = (change: Partial<ServiceAccountFacts> = {}): ServiceAccountFacts => {
  const { addon: _, configurationSchema: __, ...shared } = someFacts();
  const facts: ServiceAccountFacts = {
    ...shared,
    request: anAccountRequest(),
    serviceAccount: aState(),
    offered: [],
    podIdentity: [{ serviceAccount: ACCOUNT_NAME, recommendedManagedPolicies: [] }],
    namespace: ACCOUNT_NAMESPACE,
    roles: { [ROLE]: { trustPolicy: parseTrust(ACCOUNT_TRUST) } },
    oidcProvider: { seen: true },
    pods: [anAccountPod('irsa')],
    workloads: [anAccountWorkload()],
    ...change,
  };
  return { ...facts, rights: change.rights ?? answeredRights(facts) };
};

/** A plan that allows the change, with the hash that it has with the request. */
export const accountPlan = (change: Partial<Plan> = {}, request = anAccountRequest()): Plan => {
  const { addon: _, ...shared } = aPlan();
  const plan: Plan = {
    ...shared,
    attempts: [ASSOCIATE],
    serviceAccount: aState(),
    namespace: ACCOUNT_NAMESPACE,
    associations: [plannedAccount],
    ...change,
  };
  return { ...plan, hash: hashOf(plan, request) };
};

export const accountSnapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  takenAt: at(0),
  serviceAccount: aState(),
  namespace: ACCOUNT_NAMESPACE,
  planned: [plannedAccount],
  identityLosses: [],
  bystanders: [],
  associations: [],
  trustPolicies: { [ROLE]: ACCOUNT_TRUST },
  ...change,
});

/** Its plan has the hash that it has with its request. */
export const accountMigration = (change: Partial<Migration> = {}): Migration =>
  aMigration({ request: anAccountRequest(), plan: accountPlan(), locks: [SUBJECT_LOCK, ROLE_LOCK], ...change });

/** Puts the service account, its Deployment and its role into that world. */
export function withAccount<F extends Fakes>(fakes: F): F {
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
