/**
 * Fields of the add-on's workloads that managers other than EKS have set, and what each attempt does to them.
 * Source: EKS User Guide, "Determine fields you can customize for Amazon EKS add-ons"; Kubernetes, "Server-Side Apply".
 */
import { NAME_LABEL } from '../verification/pod-identity.ts';
import { SERVICE_MANAGER, type Workload } from '../kubernetes/objects.ts';
import { type Check, fail, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Attempt } from '../record/plan.ts';
import type { Facts } from './facts.ts';
import { isRecreate, nameOf, removesSoftware, type AttemptCheck } from './attempts.ts';

const EKS_MANAGER = 'eks';
const CONTROLLERS = 'kube-controller-manager';
/** Managers that do not count: EKS itself, and this service, which sets only its restart annotation. */
const NOBODY_ELSE = new Set([EKS_MANAGER, SERVICE_MANAGER]);
/**
 * Fields in which the Deployment controller records its state. Any other field that controllers own is a setting, such as
 * the replicas of a HorizontalPodAutoscaler.
 */
const CONTROLLER_NOTES = '.metadata.annotations.deployment.kubernetes.io/';
/** The field that `kubectl rollout restart` sets. No EKS add-on sets it, so it conflicts with nothing. */
const RESTART = 'kubectl.kubernetes.io/restartedAt';

/** Returns the add-on's workloads: those of the planned service accounts, and those with the same `app.kubernetes.io/name`. */
export function workloadsOfAddon(
  workloads: readonly Workload[],
  planned: readonly Pick<PlannedAssociation, 'serviceAccount'>[],
): Workload[] {
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const names = new Set(
    workloads.filter((one) => accounts.has(one.serviceAccount)).flatMap((one) => one.labels[NAME_LABEL] ?? []),
  );
  return workloads.filter((one) => accounts.has(one.serviceAccount) || names.has(one.labels[NAME_LABEL] ?? ''));
}

export interface ForeignFields {
  /** Such as `Deployment ebs-csi-controller`. */
  workload: string;
  manager: string;
  /** The subresource, such as `scale`. Absent if the manager wrote the object itself. */
  subresource?: string;
  fields: string[];
}

const isSetting = (manager: string, field: string): boolean =>
  !field.includes(`${SERVICE_MANAGER}/`) && !(manager === CONTROLLERS && field.startsWith(CONTROLLER_NOTES));

/** Returns the fields that only other managers own. A field that EKS also owns already has the value that EKS sets. */
export const foreignFields = (workloads: readonly Workload[]): ForeignFields[] =>
  workloads.flatMap(({ kind, name, managedFields }) => {
    const ofEks = new Set(managedFields.filter((one) => one.manager === EKS_MANAGER).flatMap((one) => one.fields));
    return managedFields
      .filter(({ manager }) => !NOBODY_ELSE.has(manager))
      .map(({ fields, ...owner }) => ({
        workload: `${kind} ${name}`,
        ...owner,
        fields: fields.filter((field) => !ofEks.has(field) && isSetting(owner.manager, field)),
      }))
      .filter(({ fields }) => fields.length > 0);
  });

/** Names an autoscaler, since its field manager has the unfamiliar name of the controllers that run it. */
const ownerText = ({ manager, subresource }: ForeignFields): string => {
  if (subresource === undefined) return manager;
  const autoscaler = manager === CONTROLLERS && subresource === 'scale' ? ', as a HorizontalPodAutoscaler does' : '';
  return `${manager} through the ${subresource} subresource${autoscaler}`;
};

const listed = (foreign: readonly ForeignFields[]): string =>
  foreign.map((one) => `${one.workload}: ${some(one.fields)} (${ownerText(one)})`).join('; ');

type Fate = 'kept' | 'reset' | 'lost' | 'conflict';

/** `mayConflict` is true if EKS may also set some of the fields. */
function fateOf(attempt: Attempt, mayConflict: boolean): Fate {
  if (removesSoftware(attempt)) return 'lost';
  if (attempt.resolveConflicts === 'OVERWRITE') return 'reset';
  if (attempt.resolveConflicts === 'PRESERVE' || !mayConflict) return 'kept';
  return 'conflict';
}

const FATES: Record<Fate, (attempt: Attempt) => string> = {
  kept: (attempt) => `${nameOf(attempt)} keeps them`,
  reset: (attempt) => `${nameOf(attempt)} resets those that EKS sets (OVERWRITE)`,
  lost: (attempt) => `${nameOf(attempt)} loses them`,
  conflict: (attempt) => `${nameOf(attempt)} would fail on those that EKS sets (${attempt.resolveConflicts})`,
};

/** Returns undefined if the workloads could not be read, which another check blocks. */
export function checkFieldManagers(
  { workloads }: Facts,
  planned: readonly PlannedAssociation[],
  ways: readonly Attempt[],
): AttemptCheck | undefined {
  if (!workloads) return undefined;
  const foreign = foreignFields(workloadsOfAddon(workloads, planned));
  if (foreign.length === 0)
    return {
      check: pass('field-managers', "Only EKS has set fields of the add-on's workloads."),
      excludes: () => false,
    };
  const mayConflict = foreign.some(({ fields }) => fields.some((field) => !field.includes(RESTART)));
  const fates = new Map(ways.map((attempt) => [attempt, fateOf(attempt, mayConflict)] as const));
  const message = `Field managers other than EKS have set fields of the add-on's workloads: ${listed(foreign)}. ${[
    ...fates,
  ]
    .map(([attempt, fate]) => FATES[fate](attempt))
    .join('; ')
    .replace(/^./, (first) => first.toUpperCase())}.`;
  const source = `${GUIDE}, "Determine fields you can customize for Amazon EKS add-ons"`;
  return {
    check: worst([...fates.values()], ways, message, source),
    excludes: (attempt) => fateOf(attempt, mayConflict) === 'conflict',
  };
}

function worst(fates: readonly Fate[], ways: readonly Attempt[], message: string, source: string): Check {
  if (fates.includes('conflict')) {
    return fail(
      'field-managers',
      message,
      "Move the fields that you need into the add-on's configuration values, or allow EKS to reset them: --resolve-conflicts OVERWRITE. An update in place keeps them with PRESERVE.",
      source,
    );
  }
  if (fates.includes('lost') || fates.includes('reset')) {
    return warn(
      'field-managers',
      message,
      "Move the fields that you need into the add-on's configuration values first, so that they are not lost.",
      source,
    );
  }
  // It is known that a create keeps the restart annotation, but not which fields EKS sets in general.
  if (ways.some(isRecreate)) {
    return warn(
      'field-managers',
      message,
      'No action is needed; if EKS finds a conflict nevertheless, the migration is rolled back.',
      source,
    );
  }
  return pass('field-managers', message);
}
