/**
 * A service account that is no add-on's, `payments/api`, whose Deployment uses IRSA: what the fixtures of an add-on do
 * not have.
 */
import type { ServiceAccountDetail, Pod, Workload } from '../../lambdas/domain/kubernetes/objects.ts';
import {
  migrationRequest,
  type MigrationRequestInput,
  type ServiceAccountRequest,
} from '../../lambdas/domain/request/request.ts';
import type { Association, ServiceAccountState } from '../../lambdas/domain/terms/observed.ts';
import type { Migration, Snapshot } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { PlannedAssociation } from '../../lambdas/domain/terms/planned.ts';
import type { PodIdentity } from '../../lambdas/domain/terms/evidence.ts';
import type { ServiceAccountFacts } from '../../lambdas/domain/plan/facts.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import { ACCOUNT_NAME, ACCOUNT_NAMESPACE, ACCOUNT_TRUST, REF, SUBJECT_LOCK } from './account-example.ts';
import { aContainer, anAssociation, aPod, aWorkload } from './eks-fixtures.ts';
import { ROLE, target } from './example.ts';
import { aMigration, answeredRights, aPlan, someFacts, trusting } from './fixtures.ts';
import { at, MIGRATION_ID, ROLE_LOCK } from './run-examples.ts';

export * from './account-example.ts';

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
const OWN_TAGS = { [MIGRATION_TAG]: MIGRATION_ID };
/** As the migration makes it. */
export const ownAssociation = (change: Partial<Association> = {}): Association =>
  anAccountAssociation({ id: 'a-own', tags: OWN_TAGS, createdAt: at(5), modifiedAt: at(5), ...change });

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
    roles: trusting(ACCOUNT_TRUST),
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
