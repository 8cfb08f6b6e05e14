/** The state of a new cluster, without any object. */
import { Random } from '../random.ts';
import type { KubeState } from './kube-state.ts';
import type { Kind, KubeObject } from './objects.ts';
import { KINDS, resourceOf } from './store.ts';

export const newKubeState = (): KubeState => ({
  objects: new Map(
    (Object.keys(KINDS) as Kind[]).map((kind) => [resourceOf(KINDS[kind]), new Map<string, KubeObject>()]),
  ),
  resourceVersion: 0,
  readyHistory: [],
  readyCounts: new Map(),
  controlled: new Map(),
  removals: new Map(),
  tallies: new Map(),
  heldNodes: new Map(),
  templateHashes: new Map(),
  agentDown: new Set(),
  firstCalls: new Map(),
  lostNodes: new Set(),
  daemonNodes: new Map(),
  pendingWorkloads: new Set(),
  pendingBudgets: new Set(),
  currentRevisions: new Map(),
  templateGenerations: new Map(),
  managedFields: new Map(),
  applied: new Map(),
  podTemplates: new Map(),
  statusWrites: new Map(),
  readySeconds: new Map(),
  sdks: new Map(),
  pastPods: new Map(),
  sessions: new Map(),
  mountRoles: new Map(),
  customKinds: new Map(),
  snapshots: [],
  random: new Random(0),
});
