/** The asynchronous part of add-on operations: statuses over time, and changes in the cluster. */
import { ofVersion } from '../catalog/build.ts';
import type { AddonObjects } from '../objects/objects.ts';
import { withPodSettings } from '../kubernetes/manifests.ts';
import type { AddonState, AddonStatus, ClusterState, UpdateState } from '../world/world.ts';
import { hasAgent, noAgentIssue } from './agent.ts';
import { withConfiguredTolerations } from './configured-tolerations.ts';
import { isLive, removeAssociation } from './association-state.ts';
import { preservedKey, type EksCall } from './call.ts';

/** Interval between checks of pods that are not ready yet; longer once the add-on is DEGRADED. */
const CHECK_SECONDS = 2;
const DEGRADED_CHECK_SECONDS = 15;
/**
 * Time from the end of a create or update to DEGRADED if the pods do not become ready. A placeholder, not a
 * measurement.
 */
const PATIENCE_SECONDS = 300;

/** Message: aws-ia/terraform-aws-eks-blueprints-addons#335. */
const TOO_FEW_REPLICAS = {
  code: 'InsufficientNumberOfReplicas',
  message: "The add-on is unhealthy because it doesn't have the desired number of replicas.",
};

/** Returns the objects of an add-on with that version and configuration, as EKS applies them. */
export const objectsOf = (
  { world }: Pick<EksCall, 'world'>,
  cluster: ClusterState,
  {
    name,
    version,
    namespace,
    configurationValues,
  }: Pick<AddonState, 'name' | 'version' | 'namespace' | 'configurationValues'>,
): AddonObjects => {
  const objects = { serviceAccounts: [], workloads: [], ...world.catalogue.get(name)?.objects, namespace };
  const configured = withConfiguredTolerations(ofVersion(objects, version), configurationValues);
  return withPodSettings(configured, cluster.podSettings?.get(name));
};

const ready = (call: EksCall, cluster: ClusterState, addon: AddonState): boolean => {
  const replicas = call.controlPlanes.addonReplicas(cluster, objectsOf(call, cluster, addon));
  return replicas.ready >= replicas.desired;
};

const setStatus = (call: EksCall, addon: AddonState, status: AddonStatus, issues: AddonState['issues'] = []): void => {
  Object.assign(addon, { status, issues, modifiedAt: call.world.schedule.now() });
};

type Issue = AddonState['issues'][number];

const tooFewReplicas = (): Issue => ({ ...TOO_FEW_REPLICAS, resourceIds: [] });
/** The issue of an operation that fails because of a knob, without a simulated cause. */
const failure = (what: 'created' | 'updated' | 'deleted'): Issue => ({
  code: 'InternalFailure',
  message: `The add-on could not be ${what}.`,
  resourceIds: [],
});

const degrade = (call: EksCall, addon: AddonState): void => setStatus(call, addon, 'DEGRADED', [tooFewReplicas()]);

/** Runs `run` after a delay, unless the add-on has changed or is gone by then. */
const later = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  delaySeconds: number,
  run: () => void,
): void => {
  const { generation } = addon;
  call.world.schedule.after(delaySeconds * 1000, () => {
    if (cluster.addons.get(addon.name) === addon && addon.generation === generation) run();
  });
};

const finishUpdate = (update: UpdateState | undefined, issue?: Issue): void => {
  if (update?.status !== 'InProgress') return;
  update.status = issue ? 'Failed' : 'Successful';
  // Updates have no error code for an internal failure.
  if (issue)
    update.errors = [
      {
        errorCode: issue.code === 'InternalFailure' ? 'Unknown' : issue.code,
        errorMessage: issue.message,
        resourceIds: issue.resourceIds,
      },
    ];
};

/**
 * Sets the status to ACTIVE as soon as the pods are ready, or to DEGRADED if that takes too long. DEGRADED fails the
 * update, but becomes ACTIVE if the pods become ready later (hashicorp/terraform-provider-aws#49104). EKS reverts
 * nothing.
 */
const settle = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  deadline: number,
  update?: UpdateState,
): void => {
  const check = (): void => {
    if (ready(call, cluster, addon)) {
      setStatus(call, addon, 'ACTIVE');
      finishUpdate(update);
      return;
    }
    const isOverdue = call.world.schedule.now() >= deadline;
    if (isOverdue && addon.status !== 'DEGRADED') {
      degrade(call, addon);
      finishUpdate(update, tooFewReplicas());
    }
    later(call, cluster, addon, isOverdue ? DEGRADED_CHECK_SECONDS : CHECK_SECONDS, check);
  };
  check();
};

const settleAfter = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  durationSeconds: number,
  update?: UpdateState,
): void => {
  const deadline = call.world.schedule.now() + (durationSeconds + PATIENCE_SECONDS) * 1000;
  later(call, cluster, addon, durationSeconds, () => settle(call, cluster, addon, deadline, update));
};

/**
 * Applies the add-on's objects to the cluster. Its associations already exist, so that the webhook can know them.
 * Preserved objects are managed by EKS again. `restart`: pods roll even if nothing in the objects changed.
 */
export const applyObjects = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  options: { restart: boolean; keepAnnotation?: boolean },
): void => {
  call.controlPlanes.applyAddon(cluster, addon.name, objectsOf(call, cluster, addon), {
    irsaServiceAccounts: call.world.catalogue.get(addon.name)?.irsaServiceAccounts ?? [],
    ...(addon.serviceAccountRoleArn === undefined ? {} : { roleArn: addon.serviceAccountRoleArn }),
    ...options,
  });
  cluster.preserved.delete(addon.name);
  call.preserved.delete(preservedKey(cluster, addon.name));
};

/** Starts a create: from CREATING to CREATE_FAILED because of the conflict, or to the status that the knobs set. */
export const beginCreate = (call: EksCall, cluster: ClusterState, addon: AddonState, conflict?: Issue): void => {
  const { addonCreateSeconds, degradedAfterCreateSeconds, createEndsIn, withoutAgent } = call.world.knobs;
  if (conflict || createEndsIn === 'CREATE_FAILED') {
    later(call, cluster, addon, addonCreateSeconds, () =>
      setStatus(call, addon, 'CREATE_FAILED', [conflict ?? failure('created')]),
    );
  } else if (withoutAgent === 'degrade' && addon.associationIds.length > 0 && !hasAgent(cluster)) {
    later(call, cluster, addon, addonCreateSeconds, () => setStatus(call, addon, 'DEGRADED', [noAgentIssue()]));
  } else if (createEndsIn === 'DEGRADED') {
    later(call, cluster, addon, addonCreateSeconds, () => degrade(call, addon));
  } else if (degradedAfterCreateSeconds > 0) {
    later(call, cluster, addon, addonCreateSeconds, () => degrade(call, addon));
    settleAfter(call, cluster, addon, addonCreateSeconds + degradedAfterCreateSeconds);
  } else {
    settleAfter(call, cluster, addon, addonCreateSeconds);
  }
};

/**
 * Starts an update: the add-on changes from UPDATING to ACTIVE or DEGRADED, the update from InProgress to Successful or
 * Failed. The knob `updateConflictEndsIn` sets the final status after a conflict.
 */
export const beginUpdate = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  update: UpdateState,
  conflict?: Issue,
): void => {
  const { addonUpdateSeconds, updateEndsIn, updateConflictEndsIn } = call.world.knobs;
  const status = conflict ? updateConflictEndsIn : updateEndsIn;
  if (status === 'ACTIVE') {
    settleAfter(call, cluster, addon, addonUpdateSeconds, update);
    return;
  }
  const issue = conflict ?? (status === 'DEGRADED' ? tooFewReplicas() : failure('updated'));
  later(call, cluster, addon, addonUpdateSeconds, () => {
    setStatus(call, addon, status, [issue]);
    finishUpdate(update, issue);
  });
};

/**
 * Starts a delete: the add-on changes from its old status, which DescribeAddon shows a little longer, to DELETING, and
 * is then removed. Without preserve, the objects are deleted at once, and owned associations shortly after the add-on;
 * with preserve, both are kept.
 */
export const beginDelete = (call: EksCall, cluster: ClusterState, addon: AddonState, preserve: boolean): void => {
  const { knobs, schedule } = call.world;
  const durationSeconds = preserve ? knobs.addonPreserveDeleteSeconds : knobs.addonDeleteSeconds;
  addon.generation += 1;
  call.deleting.add(addon);
  const fails = knobs.deleteEndsIn === 'DELETE_FAILED';
  if (!preserve && !fails) call.controlPlanes.removeAddon(cluster, addon.name, objectsOf(call, cluster, addon));
  const staleSeconds = knobs.stuckDeleting
    ? knobs.deleteStaleSeconds
    : Math.min(knobs.deleteStaleSeconds, durationSeconds);
  const show = (): void => setStatus(call, addon, 'DELETING');
  if (staleSeconds === 0) show();
  else later(call, cluster, addon, staleSeconds, show);
  if (knobs.stuckDeleting) return;

  later(call, cluster, addon, durationSeconds, () => {
    if (fails) {
      call.deleting.delete(addon);
      setStatus(call, addon, 'DELETE_FAILED', [failure('deleted')]);
      return;
    }
    cluster.addons.delete(addon.name);
    const owned = [...cluster.associations.values()].filter((association) => association.ownerArn === addon.arn);
    if (preserve) {
      cluster.preserved.add(addon.name);
      const key = preservedKey(cluster, addon.name);
      // If the key exists, this copy was never applied, and the objects are still those of the previous copy.
      if (!call.preserved.has(key))
        call.preserved.set(key, { version: addon.version, configurationValues: addon.configurationValues });
      if (knobs.ownerArnAfterPreserve === 'clear') for (const association of owned) association.ownerArn = undefined;
      return;
    }
    cluster.preserved.delete(addon.name);
    // The fields are gone with their objects.
    cluster.foreignFields.delete(addon.name);
    schedule.after(knobs.cascadeLagSeconds * 1000, () => {
      for (const { id } of owned) {
        const association = cluster.associations.get(id);
        if (association?.ownerArn === addon.arn && isLive(association))
          removeAssociation(call, cluster, association, 0);
      }
    });
  });
};
