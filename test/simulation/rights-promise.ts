/**
 * Promise 9: each Lambda, state machine and rule has the permissions that it uses, and a missing one is noticed before
 * anything is deleted.
 */
import type { Call } from '../../sandbox/calls/call-log.ts';
import { roleOfStep } from './denied.ts';
import { effective, changes } from './observe.ts';
import { about, type Promised } from './promised.ts';

export const rightsSuffice: Promised = {
  name: 'rights-suffice',
  statement:
    'No call of the service is denied for a missing permission under the policies of the synthesised template.',
  broken: ({ sandbox, spec: { denied } }) => {
    const role = denied && roleOfStep(sandbox.world, denied.step).arn;
    return sandbox.authorizer.denials
      .filter(({ principalArn, action }) => principalArn !== role || action !== denied?.action)
      .map(({ message }) => message);
  },
};

const deletes = ({ step, operation }: Call): boolean =>
  step === 'delete-addon' ||
  ((step === 'update-addon' || step === 'create-addon') && operation === 'DeletePodIdentityAssociation');

export const refusedBeforehand: Promised = {
  name: 'refused-beforehand',
  statement: 'If IAM denies a step one of its calls, the service knows it before anything is deleted.',
  broken: (result) => {
    const { denied } = result.spec;
    if (!denied) return [];
    const refused = result.sandbox.world.log.calls.filter(
      (call) => call.step === denied.step && call.denied === denied.action,
    );
    const deleted = effective(changes(result)).filter(deletes);
    return refused.flatMap((call) =>
      deleted
        .filter(({ n, execution }) => n < call.n && execution === call.execution)
        .map((earlier) => `${about(call)} was refused after ${about(earlier)}`),
    );
  },
};
