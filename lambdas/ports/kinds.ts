/**
 * Classifies the methods of the ports: those that only read, and those that may make changes. All code that treats
 * reads and writes differently (retries, the shared pace, the end of an invocation, the tests' faults) uses this table.
 * A method without a kind does not compile.
 */
import type { Documents } from './documents.ts';
import type { Eks } from './eks.ts';
import type { Events } from './events.ts';
import type { Executions } from './executions.ts';
import type { Fleet } from './fleet.ts';
import type { Kubernetes } from './kubernetes.ts';
import type { Ledger } from './ledger.ts';
import type { Pace } from './pace.ts';
import type { Roles } from './roles.ts';
import type { Sweeps } from './sweeps.ts';

export type Kind = 'read' | 'write';
export type Kinds<Port> = Readonly<Record<keyof Port, Kind>>;

export const EKS_KINDS = {
  describeCluster: 'read',
  knownCluster: 'read',
  describeAddon: 'read',
  listOfferedVersions: 'read',
  describeConfiguration: 'read',
  createAddon: 'write',
  updateAddon: 'write',
  deleteAddon: 'write',
  listAssociations: 'read',
  countAssociations: 'read',
  listAssociationRefs: 'read',
  describeAssociation: 'read',
  listAddons: 'read',
  listAllAssociations: 'read',
  listNodeCandidates: 'read',
  listCapabilities: 'read',
  listFargateProfiles: 'read',
  describeAccessEntry: 'read',
  updateAssociation: 'write',
  tagResource: 'write',
  createAssociation: 'write',
  deleteAssociation: 'write',
} as const satisfies Kinds<Eks>;

export const ROLES_KINDS = {
  getRole: 'read',
  getOidcProvider: 'read',
  findRole: 'read',
  updateTrustPolicy: 'write',
  listPolicies: 'read',
  getBoundary: 'read',
  simulate: 'read',
} as const satisfies Kinds<Roles>;

export const KUBERNETES_KINDS = {
  listPods: 'read',
  listWorkloads: 'read',
  listAnnotatedServiceAccounts: 'read',
  listAttributedServiceAccounts: 'read',
  listServiceAccounts: 'read',
  listAllPods: 'read',
  eachPod: 'read',
  listNodes: 'read',
  listMutatingWebhooks: 'read',
  getWorkload: 'read',
  listCustomResources: 'read',
  listApiGroups: 'read',
  listObjects: 'read',
  getServiceAccount: 'read',
  annotateServiceAccount: 'write',
  restartWorkload: 'write',
  evictPod: 'write',
} as const satisfies Kinds<Kubernetes>;

export const FLEET_KINDS = { listClusters: 'read' } as const satisfies Kinds<Fleet>;

export const LEDGER_KINDS = {
  getFile: 'read',
  putMigration: 'write',
  getMigration: 'read',
  recordPlan: 'write',
  noteAttempt: 'write',
  recordRecovery: 'write',
  changeRollback: 'write',
  listRequestedRollbacks: 'read',
  changeRetirement: 'write',
  getRetirement: 'read',
  listRequestedRetirements: 'read',
  updateMigration: 'write',
  recordAssociation: 'write',
  recordCopy: 'write',
  recordAnnotation: 'write',
  recordTrustChange: 'write',
  recordRetirement: 'write',
  noteWait: 'write',
  endWait: 'write',
  requestCancel: 'write',
  getCancel: 'read',
  addOutboxEvent: 'write',
  unsent: 'read',
  listUnsent: 'read',
  unsentMark: 'read',
  setUnsentMark: 'write',
  markSent: 'write',
  putApproval: 'write',
  approvalToken: 'read',
  decideApproval: 'write',
  listPendingApprovals: 'read',
  takeWaitingSlot: 'write',
  freeWaitingSlots: 'write',
  listWaiting: 'read',
  claim: 'write',
  reclaim: 'write',
  listMigrations: 'read',
  acquireLock: 'write',
  takeOverLock: 'write',
  assertLock: 'read',
  releaseLock: 'write',
  parkLock: 'write',
  readLock: 'read',
  listHeldLocks: 'read',
  putSnapshot: 'write',
  getSnapshot: 'read',
  recordStep: 'write',
  listSteps: 'read',
  putEvidence: 'write',
  getEvidence: 'read',
} as const satisfies Kinds<Ledger>;

export const EXECUTIONS_KINDS = {
  describe: 'read',
  describeMigration: 'read',
  startMigration: 'write',
  recoverArn: 'read',
  startRollback: 'write',
  retireArn: 'read',
  startRetirement: 'write',
  completeTask: 'write',
  failTask: 'write',
  startSweep: 'write',
  startRecovery: 'write',
} as const satisfies Kinds<Executions>;

export const EVENTS_KINDS = { publish: 'write' } as const satisfies Kinds<Events>;

export const SWEEPS_KINDS = {
  get: 'read',
  create: 'write',
  update: 'write',
  command: 'write',
  list: 'read',
  marks: 'read',
  mark: 'write',
  enqueue: 'write',
  queued: 'read',
  inFlight: 'read',
  eachItem: 'read',
  toFlight: 'write',
  toEnd: 'write',
  forgetFailures: 'write',
  tally: 'read',
} as const satisfies Kinds<Sweeps>;

export const PACE_KINDS = {
  read: 'read',
  reserve: 'write',
  giveBack: 'write',
  refused: 'write',
} as const satisfies Kinds<Pace>;

export const DOCUMENTS_KINDS = { put: 'write', get: 'read', list: 'read' } as const satisfies Kinds<Documents>;

/** All ports by their names in `HandlerDependencies` and `TargetPorts`. */
export const PORT_KINDS = {
  eks: EKS_KINDS,
  roles: ROLES_KINDS,
  kubernetes: KUBERNETES_KINDS,
  fleet: FLEET_KINDS,
  ledger: LEDGER_KINDS,
  executions: EXECUTIONS_KINDS,
  events: EVENTS_KINDS,
  sweeps: SWEEPS_KINDS,
  pace: PACE_KINDS,
  documents: DOCUMENTS_KINDS,
} as const;

/** Returns whether the method only reads; false for a name that is not a method of the port. */
export const isRead = (kinds: Readonly<Record<string, Kind>>, name: PropertyKey): boolean =>
  typeof name === 'string' && Object.hasOwn(kinds, name) && kinds[name] === 'read';
