/** The commands that put a service account back by hand: its annotation, its associations, then its pods. */
import { associationLines as eksLines, endLines, foreignNote, kubeconfigLine, restartLine } from './lines.ts';
import { trustLines } from './trust.ts';
import { IRSA_ANNOTATION } from '../verification/irsa.ts';
import type { ServiceAccountDetail, WorkloadRef } from '../kubernetes/objects.ts';
import type { Association, Migration, Snapshot, Target } from '../migration/model.ts';
import { standingTrustChanges } from '../rollback/recovery.ts';
import { isOwnAssociation, wasThere } from '../migration/service-account.ts';
import { ifWanted, mayFail, note, shellCommand } from '../text/shell.ts';

export interface AccountHandOffFacts {
  target: Target;
  snapshot: Snapshot;
  record: Migration;
  /** Of the service account, as they are now; absent where EKS could not be read. */
  associations?: Association[];
  /** As it is now, if it is there; absent where the API server could not be read. */
  account?: { now: Pick<ServiceAccountDetail, 'roleArn'> | undefined };
  /** That run with it; absent where the API server could not be read. */
  workloads?: WorkloadRef[];
  /** As in `HandOffFacts`. */
  trust?: Record<string, string | null>;
}

/**
 * What this migration has made goes; what somebody else has put in the place of one of before does too, with a word on
 * it.
 */
function freeLines({ target, snapshot, record, associations }: AccountHandOffFacts): string[] {
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
 * The annotation, whoever has taken it off. One that somebody else has given it meanwhile is left: without
 * `--overwrite` kubectl does that too.
 */
function annotationLines({ snapshot: { serviceAccount: was }, account }: AccountHandOffFacts): string[] {
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

/** Returns the lines in order: each is a note, or a command that needs nothing filled in. Never empty. */
export function accountHandOff(facts: AccountHandOffFacts): string[] {
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
    // First, since with neither new pods have no role.
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
