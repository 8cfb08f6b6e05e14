/** Promise 9: each Lambda, state machine and rule has the rights that it uses; one that was taken away is missed in time. */
import type { Call } from '../../sandbox/world/call-log.ts';
import { roleOfStep } from './denied.ts';
import { effective, changes } from './observe.ts';
import { about, type Promised } from './promised.ts';

export const rightsSuffice: Promised = {
  name: 'rights-suffice',
  says: 'no call of the service is refused for want of a right, under the policies of the synthesised template',
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
  says: 'a call that IAM does not allow is known before anything is deleted',
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
