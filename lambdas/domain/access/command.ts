/** How a person gives the service the access that a request needs: `grant-access`, as remedies name it. */
import type { MigrationRequest } from '../migration/request.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf } from '../migration/subject.ts';

const PROGRAM = ['pod-identity', 'grant-access'];

/** With the cluster alone it is for add-ons, and grants nothing for a service account that is none's. */
export const grantCommand = ({
  target: { cluster },
  serviceAccount,
  annotation,
}: Pick<MigrationRequest, 'target' | 'serviceAccount' | 'annotation'>): string =>
  shellCommand(
    PROGRAM,
    ['--cluster', cluster],
    serviceAccount && ['--service-account', subjectOf({ serviceAccount })],
    // Without it, a right to the annotation that was there would be taken away.
    serviceAccount && annotation === 'remove' ? ['--annotation', annotation] : undefined,
  );

/** Where it is not known what migrates: what to add for a service account. */
export const grantForms = (cluster: string): string =>
  `${shellCommand(PROGRAM, ['--cluster', cluster])} (for a service account that is no add-on's with --service-account NAMESPACE/NAME, and --annotation remove where its annotation shall go)`;
