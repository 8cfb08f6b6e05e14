/** Reads a service account that belongs to no add-on, for the steps. */
import { MigrationError } from '../../domain/failures/errors.ts';
import type { ServiceAccountState } from '../../domain/terms/observed.ts';
import type { ServiceAccountRef } from '../../domain/terms/subject.ts';
import type { ObjectMarks } from '../../domain/owners/signs.ts';
import type { Clock, Kubernetes, ServiceAccountDetail } from '../../ports/index.ts';
import { readUntilSure } from './reads.ts';

/** Returns what the snapshot keeps of the service account. */
export const stateOf = ({ namespace, name, uid, roleArn, annotatedBy }: ServiceAccountDetail): ServiceAccountState => ({
  namespace,
  name,
  uid,
  annotatedBy,
  ...(roleArn === undefined ? {} : { roleArn }),
});

/** Returns what shows the owner of the service account. */
export const marksOf = ({ labels, annotations, managers }: ServiceAccountDetail): ObjectMarks => ({
  labels,
  annotations,
  managers,
});

/** Returns the present service account; its absence is believed only after several reads, like an add-on's. */
export const readAccount = (
  kubernetes: Kubernetes,
  { namespace, name }: ServiceAccountRef,
  clock: Clock,
): Promise<ServiceAccountDetail | undefined> =>
  readUntilSure(
    clock,
    () => kubernetes.getServiceAccount(namespace, name),
    (now) => now !== undefined,
  );

/** Returns the error for a service account that was changed outside this migration. `why` is a clause about it. */
export const accountChanged = (why: string): MigrationError =>
  new MigrationError(
    'ServiceAccountChanged',
    `${why.replace(/^./, (first) => first.toUpperCase())}. It was left alone. Find out who changed it, then migrate again.`,
  );
