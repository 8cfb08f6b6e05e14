/** The commands that put a service account back by hand: its annotation, its associations, then its pods. */
import { associationLines as eksLines, endLines, kubeconfigLine, restartLine } from './hand-off-commands.ts';
import { trustLines } from './hand-off-trust.ts';
import { IRSA_ANNOTATION } from './irsa.ts';
import type { ServiceAccountDetail, WorkloadRef } from './kubernetes.ts';
import type { Association, Migration, Snapshot, Target } from './model.ts';
import { standingTrustChanges } from './recovery.ts';
import { associationText, isOwnAssociation, wasThere } from './service-account.ts';
import { comment, mayFail, shellCommand } from './shell.ts';

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
      comment(
        'EKS could not be read, so these lines work from any state; a line that ends in "|| true" may say that there is nothing to do.',
      ),
      ...made.map((one) => mayFail(lines.delete(one.id))),
    ];
  }
  return associations
    .filter((one) => !wasThere(snapshot, one))
    .flatMap((one) =>
      isOwnAssociation(record, one)
        ? [mayFail(lines.delete(one.id))]
        : [
            comment(
              `Somebody else made ${associationText(one)} meanwhile; while it is there, new pods use it and not IRSA. To take it away: ${lines.delete(one.id)}`,
            ),
          ],
    );
}

/**
 * The annotation, whoever has taken it off. One that somebody else has given it meanwhile is left: without
 * `--overwrite` kubectl does that too.
 */
function annotationLines({ snapshot: { serviceAccount: was }, account }: AccountHandOffFacts): string[] {
  if (was?.roleArn === undefined) return [];
  const what = `service account ${was.namespace}/${was.name}`;
  const words = [
    'kubectl',
    '-n',
    was.namespace,
    'annotate',
    'serviceaccount',
    was.name,
    `${IRSA_ANNOTATION}=${was.roleArn}`,
  ];
  if (!account) return [mayFail(shellCommand(words))];
  const { now } = account;
  if (!now) return [comment(`Somebody else has deleted ${what}: make it again, then ${shellCommand(words)}`)];
  if (now.roleArn === undefined) return [shellCommand(words)];
  return now.roleArn === was.roleArn
    ? []
    : [
        comment(
          `Somebody else has given ${what} the annotation ${IRSA_ANNOTATION}=${now.roleArn} meanwhile. To have the one of before: ${shellCommand([...words, '--overwrite'])}`,
        ),
      ];
}

/** Exact, in order; a line is a comment, or a command that needs nothing filled in. Never empty. */
export function accountHandOff(facts: AccountHandOffFacts): string[] {
  const { target, snapshot, record, workloads, trust = {} } = facts;
  const lost = snapshot.associations.filter(
    (was) => facts.associations && !facts.associations.some(({ id }) => id === was.id),
  );
  const restarts = workloads?.map((one) => restartLine(one)) ?? [
    comment(
      `The API server could not be read: restart whatever runs with ${snapshot.planned.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ')}: kubectl -n ${snapshot.namespace} rollout restart KIND/NAME`,
    ),
  ];
  return [
    kubeconfigLine(target),
    // First, since with neither new pods have no role.
    ...annotationLines(facts),
    ...freeLines(facts),
    ...lost.flatMap((was) => [
      comment(`Association ${was.id}, which was there before, is gone; this migration did not delete it.`),
      mayFail(eksLines(target).create(was)),
    ]),
    comment(
      'Pods keep the identity that they were admitted with: new ones take the one that was put back, some seconds later.',
    ),
    'sleep 30',
    ...restarts,
    ...standingTrustChanges(record).flatMap((change) => trustLines(change, target, trust[change.roleArn])),
    ...endLines(record.migrationId),
  ];
}
