/**
 * Fields of the add-on's workloads that somebody else than EKS has set, and what each way does to them.
 * Source: EKS User Guide, "Determine fields you can customize for Amazon EKS add-ons"; Kubernetes, "Server-Side Apply".
 */
import { NAME_LABEL } from '../identity.ts';
import { SERVICE_MANAGER, type Workload } from '../kubernetes.ts';
import type { Check, PlannedAssociation, Rung } from '../model.ts';
import { fail, GUIDE, pass, some, warn } from './check.ts';
import type { Facts } from './facts.ts';
import { isRecreate, nameOf, removesSoftware, type WayCheck } from './ladder.ts';

const EKS_MANAGER = 'eks';
/** They write what the workload's own controllers need, and this service's restarts; no setting of anybody. */
const NOBODY_ELSE = new Set([EKS_MANAGER, 'kube-controller-manager', SERVICE_MANAGER]);
/** What `kubectl rollout restart` leaves behind; no add-on of EKS sets it, so that it conflicts with nothing. */
const RESTART = 'kubectl.kubernetes.io/restartedAt';

/** Workloads of the add-on: those of the planned service accounts, and those with the same `app.kubernetes.io/name`. */
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
  fields: string[];
}

/** A path that only leads to other ones of the list says nothing. */
const withoutAncestors = (fields: readonly string[]): string[] =>
  fields.filter(
    (field) =>
      !fields.some((other) => other !== field && (other.startsWith(`${field}.`) || other.startsWith(`${field}[`))),
  );

/** What others own alone: a field that EKS owns too has the value that EKS wants. */
export const foreignFields = (workloads: readonly Workload[]): ForeignFields[] =>
  workloads.flatMap(({ kind, name, managedFields }) => {
    const ofEks = new Set(managedFields.filter((one) => one.manager === EKS_MANAGER).flatMap((one) => one.fields));
    return managedFields
      .filter(({ manager }) => !NOBODY_ELSE.has(manager))
      .map(({ manager, fields }) => ({
        workload: `${kind} ${name}`,
        manager,
        fields: withoutAncestors(fields).filter((field) => !ofEks.has(field) && !field.includes(`${SERVICE_MANAGER}/`)),
      }))
      .filter(({ fields }) => fields.length > 0);
  });

const listed = (foreign: readonly ForeignFields[]): string =>
  foreign.map(({ workload, manager, fields }) => `${workload}: ${some(fields)} (${manager})`).join('; ');

type Fate = 'kept' | 'reset' | 'lost' | 'conflict';

/** `mayConflict`: among them are fields that EKS may set as well. */
function fateOf(rung: Rung, mayConflict: boolean): Fate {
  if (removesSoftware(rung)) return 'lost';
  if (rung.resolveConflicts === 'OVERWRITE') return 'reset';
  if (rung.resolveConflicts === 'PRESERVE' || !mayConflict) return 'kept';
  return 'conflict';
}

const FATES: Record<Fate, (rung: Rung) => string> = {
  kept: (rung) => `${nameOf(rung)} keeps them`,
  reset: (rung) => `${nameOf(rung)} resets those that EKS sets (OVERWRITE)`,
  lost: (rung) => `${nameOf(rung)} loses them`,
  conflict: (rung) => `${nameOf(rung)} would fail on those that EKS sets (${rung.resolveConflicts})`,
};

/** Undefined where the workloads could not be read, which blocks by itself. */
export function checkFieldManagers(
  { workloads }: Facts,
  planned: readonly PlannedAssociation[],
  ways: readonly Rung[],
): WayCheck | undefined {
  if (!workloads) return undefined;
  const foreign = foreignFields(workloadsOfAddon(workloads, planned));
  if (foreign.length === 0)
    return {
      check: pass('field-managers', 'No field of its workloads was set by anybody but EKS.'),
      excludes: () => false,
    };
  const mayConflict = foreign.some(({ fields }) => fields.some((field) => !field.includes(RESTART)));
  const fates = new Map(ways.map((rung) => [rung, fateOf(rung, mayConflict)] as const));
  const message = `Others than EKS have set fields of its workloads: ${listed(foreign)}. ${[...fates]
    .map(([rung, fate]) => FATES[fate](rung))
    .join('; ')
    .replace(/^./, (first) => first.toUpperCase())}.`;
  const source = `${GUIDE}, "Determine fields you can customize for Amazon EKS add-ons"`;
  return {
    check: worst([...fates.values()], ways, message, source),
    excludes: (rung) => fateOf(rung, mayConflict) === 'conflict',
  };
}

function worst(fates: readonly Fate[], ways: readonly Rung[], message: string, source: string): Check {
  if (fates.includes('conflict')) {
    return fail(
      'field-managers',
      message,
      "Put what you need of them into the add-on's configuration values, or consent to their reset: --resolve-conflicts OVERWRITE. In place, PRESERVE keeps them.",
      source,
    );
  }
  if (fates.includes('lost') || fates.includes('reset')) {
    return warn(
      'field-managers',
      message,
      "Put what you need of them into the add-on's configuration values first, so that it is not lost.",
      source,
    );
  }
  // Kept over a create: known of the restart annotation, but no rule says which fields EKS sets.
  if (ways.some(isRecreate)) {
    return warn(
      'field-managers',
      message,
      'Nothing has to be done; should EKS find a conflict all the same, the migration is rolled back.',
      source,
    );
  }
  return pass('field-managers', message);
}
