/** A service account that is no add-on's, as the steps look at it. */
import { MigrationError } from '../../domain/failures/errors.ts';
import type { ServiceAccountState } from '../../domain/migration/model.ts';
import type { ServiceAccountRef } from '../../domain/migration/subject.ts';
import type { Clock, Kubernetes, ServiceAccountDetail } from '../../ports/index.ts';
import { readUntilSure } from '../pods/confirmed-reads.ts';

/** What is remembered of it. */
export const stateOf = ({ namespace, name, uid, roleArn, annotatedBy }: ServiceAccountDetail): ServiceAccountState => ({
  namespace,
  name,
  uid,
  annotatedBy,
  ...(roleArn === undefined ? {} : { roleArn }),
});

/** As it is now; its absence is believed only after several looks, as an add-on's is. */
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

/** Of a service account that somebody else has changed. `why`: in words. */
export const accountChanged = (why: string): MigrationError =>
  new MigrationError(
    'ServiceAccountChanged',
    `${why.replace(/^./, (first) => first.toUpperCase())}. It was left alone.`,
  );
