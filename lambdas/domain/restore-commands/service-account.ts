/** The commands that restore a service account by hand: its annotation, its associations, then its pods. */
import { associationLines as eksLines, endLines, foreignNote, kubeconfigLine, restartLine } from './lines.ts';
import { trustLines } from './trust.ts';
import { IRSA_ANNOTATION } from '../verification/irsa.ts';
import type { ServiceAccountDetail, WorkloadRef } from '../kubernetes/objects.ts';
import type { Association } from '../terms/observed.ts';
import type { Migration, Snapshot } from '../record/migration.ts';
import type { Target } from '../terms/subject.ts';
import { standingTrustChanges } from '../rollback/recovery.ts';
import { isOwnAssociation, wasThere } from '../migration/service-account.ts';
import { ifWanted, mayFail, note, shellCommand } from '../text/shell.ts';

export interface AccountRestoreCommandsFacts {
  target: Target;
  snapshot: Snapshot;
  record: Migration;
  /** Current associations of the service account. Absent if EKS could not be read. */
  associations?: Association[];
  /** The current service account, if it exists. Absent if the API server could not be read. */
  account?: { now: Pick<ServiceAccountDetail, 'roleArn'> | undefined };
  /** Workloads of the service account. Absent if the API server could not be read. */
  workloads?: WorkloadRef[];
  /** As in `RestoreCommandsFacts`. */
  trust?: Record<string, string | null>;
}

/**
 * Returns the lines that delete associations which this migration created, or which another principal created in place
 * of an earlier one; for the latter with a note.
 */
function freeLines({ target, snapshot, record, associations }: AccountRestoreCommandsFacts): string[] {
  const lines = eksLines(target);
  if (!associations) {
    const made = record.associations.created.filter((one) => !wasThere(snapshot, one));
    return [
      note`EKS could not be read, so these lines work from any state; a line that ends in "|| true" may report that there is nothing to do.`,
      ...made.map((one) => mayFail(lines.delete(one.id))),
    ];
  }
  return associations
    .filter((one) => !wasThere(snapshot, one))
    .flatMap((one) =>
      isOwnAssociation(record, one)
        ? [mayFail(lines.delete(one.id))]
        : [foreignNote(one), ifWanted(lines.delete(one.id))],
    );
}

/**
 * Returns the lines that restore the annotation, even if another tool or person removed it. A different annotation that
 * was set meanwhile is kept: without `--overwrite`, kubectl does not replace it either.
 */
function annotationLines({ snapshot: { serviceAccount: was }, account }: AccountRestoreCommandsFacts): string[] {
  if (!was) return [];
  const what = `${was.namespace}/${was.name}`;
  const kubectl = (...words: string[]): string => shellCommand(['kubectl', '-n', was.namespace, ...words]);
  const annotate = (...values: string[]): string => kubectl('annotate', 'serviceaccount', was.name, ...values);
  const annotation = was.roleArn === undefined ? undefined : `${IRSA_ANNOTATION}=${was.roleArn}`;
  if (!account) return annotation === undefined ? [] : [mayFail(annotate(annotation))];
  const { now } = account;
  if (!now)
    return [
      note`Another principal has deleted service account ${what}. The next lines create it with its role alone: its owner must restore other labels, annotations and secrets.`,
      mayFail(kubectl('create', 'serviceaccount', was.name)),
      ...(annotation === undefined ? [] : [annotate(annotation)]),
    ];
  if (now.roleArn === was.roleArn) return [];
  if (now.roleArn === undefined) return annotation === undefined ? [] : [annotate(annotation)];
  return [
    note`Another principal has annotated service account ${what} with ${IRSA_ANNOTATION}=${now.roleArn} meanwhile. To restore what was there before, run the next line without the colon.`,
    ifWanted(annotation === undefined ? annotate(`${IRSA_ANNOTATION}-`) : annotate(annotation, '--overwrite')),
  ];
}

/** Returns the lines in order. Each is a note, or a complete command. The list is never empty. */
export function accountRestoreCommands(facts: AccountRestoreCommandsFacts): string[] {
  const { target, snapshot, record, workloads, trust = {} } = facts;
  const lost = snapshot.associations.filter(
    (was) => facts.associations && !facts.associations.some(({ id }) => id === was.id),
  );
  const restarts = workloads?.map((one) => restartLine(one)) ?? [
    ...snapshot.planned.map(
      (one) =>
        note`The API server could not be read: restart every workload that runs with ${one.namespace}/${one.serviceAccount} by running the next line without the colon, with the kind and name of the workload.`,
    ),
    ifWanted(shellCommand(['kubectl', '-n', snapshot.namespace, 'rollout', 'restart', 'KIND/NAME'])),
  ];
  return [
    kubeconfigLine(target),
    // The annotation comes first, since new pods with neither annotation nor association have no role.
    ...annotationLines(facts),
    ...freeLines(facts),
    ...lost.flatMap((was) => [
      note`Association ${was.id}, which existed before, is gone; this migration did not delete it.`,
      mayFail(eksLines(target).create(was)),
    ]),
    note`Pods keep the identity that they were admitted with: new pods get the restored identity, some seconds later.`,
    'sleep 30',
    ...restarts,
    ...standingTrustChanges(record).flatMap((change) => trustLines(change, target, trust)),
    ...endLines(record.migrationId),
  ];
}
