/** The command for remedies that grants the service the access that a request needs. */
import type { MigrationRequest } from '../request/request.ts';
import { shellCommand } from '../text/shell.ts';
import { subjectOf } from '../terms/subject.ts';

const PROGRAM = ['pod-identity', 'grant-access'];

/** Returns the command for a request. For add-ons it names only the cluster; otherwise it names the service account too. */
export const grantCommand = ({
  target: { account, region, cluster },
  serviceAccount,
  annotation,
}: Pick<MigrationRequest, 'target' | 'serviceAccount' | 'annotation'>): string =>
  shellCommand(
    PROGRAM,
    ['--cluster', cluster, '--region', region, '--account', account],
    serviceAccount && ['--service-account', subjectOf({ serviceAccount })],
    // Without the option, the command would revoke an existing right to change the annotation.
    serviceAccount && annotation === 'remove' ? ['--annotation', annotation] : undefined,
    ['--deployed'],
  );

/** Returns the command if the subject is not known, with the options for a service account. */
export const grantForms = (cluster: string): string =>
  `${shellCommand(PROGRAM, ['--cluster', cluster, '--deployed'])} (for a service account that does not belong to an add-on, with --service-account NAMESPACE/NAME, and --annotation remove if its annotation is to be removed)`;
