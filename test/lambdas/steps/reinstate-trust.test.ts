import { describe, expect, it } from 'vitest';
import { ADDON, ROLE } from '../example.ts';
import { at } from '../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../trust-examples.ts';
import { expectError } from '../matchers.ts';
import { type Begun } from './begun.ts';
import { aCopy } from './rollback.ts';
import { RETIRED, migrated, run, putBack, holders, FREE, retirements, policy } from './retiring.ts';

describe('reinstate', () => {
  const retired = async (): Promise<Begun> => {
    const fakes = await migrated();
    await run(fakes);
    fakes.journal.clear();
    fakes.clock.advance(1000);
    return fakes;
  };

  it('of a role that the deployment does not cover is refused, and the role is not even read', async () => {
    const fakes = await retired();
    fakes.settings.repairableRoleArns = [`${ROLE}-other`];
    await expectError(putBack(fakes), 'RetireRefused', `may not change the trust policy of ${ROLE}`);
    expect(fakes.journal.names().filter((name) => name.startsWith('roles.'))).toEqual([]);
  });

  it('restores the statement even if another principal has changed the policy since', async () => {
    const fakes = await retired();
    expect(await putBack(fakes, { dryRun: true })).toMatchObject({
      done: false,
      roles: [{ result: 'would-restore', after: bothWays }],
    });
    expect(await putBack(fakes)).toMatchObject({
      action: 'reinstate',
      done: true,
      roles: [{ result: 'restored', before: RETIRED, after: bothWays }],
    });
    expect(await retirements(fakes)).toMatchObject([{ writtenAt: at(0), undoneAt: at(1) }]);
    expect(await putBack(fakes)).toMatchObject({ done: false, roles: [] });
    expect(await holders(fakes)).toEqual(FREE);

    const changed = await retired();
    const theirs = { ...podIdentityStatement, Sid: 'Theirs' };
    changed.roles.trust[ROLE] = policyText(podIdentityStatement, theirs);
    expect(await putBack(changed)).toMatchObject({ done: true });
    expect(policy(changed)).toMatchObject({ Statement: expect.arrayContaining([irsaStatement, theirs]) as unknown });
  });

  it('finds it put back by hand, and may be retired again after it', async () => {
    const fakes = await retired();
    fakes.roles.trust[ROLE] = bothWays;
    expect(await putBack(fakes)).toMatchObject({
      done: false,
      roles: [{ result: 'nothing', why: 'It is restored already' }],
    });
    expect([await retirements(fakes), await run(fakes)]).toMatchObject([[{ undoneAt: at(1) }], { done: true }]);
    expect(await retirements(fakes)).toEqual([expect.not.objectContaining({ undoneAt: expect.anything() as unknown })]);
  });

  it('is allowed after the migration was rolled back, and needs no more than that it is over', async () => {
    const fakes = await retired();
    fakes.eks.addons.set(ADDON, aCopy({ serviceAccountRoleArn: ROLE }));
    await fakes.update({ outcome: 'rolled-back', verified: 'none' });
    expect(await putBack(fakes)).toMatchObject({ done: true });
    const running = await retired();
    await running.update({ status: 'running' });
    await expectError(putBack(running), 'RetireRefused', 'reinstate-over');
  });

  it('has nothing to do where nothing was retired, and refuses a role that is gone or may not be changed', async () => {
    const fakes = await migrated();
    expect(await putBack(fakes)).toMatchObject({
      done: false,
      roles: [],
      checks: [{ status: 'pass' }, { status: 'pass' }],
    });
    const gone = await retired();
    delete gone.roles.trust[ROLE];
    await expectError(putBack(gone), 'RetireRefused', 'the role no longer exists in IAM');
    const closed = await retired();
    closed.settings.repairableRoleArns.pop();
    await expectError(putBack(closed), 'RetireRefused', 'retire-role');
  });
});
