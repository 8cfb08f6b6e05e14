/** Promise 9: each Lambda, state machine and rule has the rights that it uses. */
import type { Promised } from './promised.ts';

export const rightsSuffice: Promised = {
  name: 'rights-suffice',
  says: 'no call of the service is refused for want of a right, under the policies of the synthesised template',
  broken: ({ sandbox }) => sandbox.authorizer.denials.map(({ message }) => message),
};
