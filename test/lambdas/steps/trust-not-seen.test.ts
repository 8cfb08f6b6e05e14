/** EKS may judge a role by the trust policy of before for some seconds after it was repaired. */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Attempt } from '../../../lambdas/domain/record/plan.ts';
import type { TrustChange } from '../../../lambdas/domain/terms/trust.ts';
import { steps } from '../../../lambdas/steps/index.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { begunAccount } from './begun-account.ts';
import { invoke } from '../fakes.ts';
import {
  ADDON,
  addonArn,
  anAssociation,
  at,
  IN_PLACE,
  MIGRATION_ID,
  RECREATE,
  RECREATE_PRESERVING,
} from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';
import { aTrustChange } from './repaired.ts';
import { removed } from './rollback.ts';
import { aMigratedAddon } from '../eks-fixtures.ts';

const OLD = anAssociation({ disableSessionTags: true });
const { namespace, serviceAccount } = OLD;
const NEW = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const PARAMETER = 'eks: InvalidParameterException';
const INVALID = `${PARAMETER}: Trust policy of the role provided is invalid`;
const refusal = (message = INVALID): MigrationError => new MigrationError('InvalidRequest', message);

const afterDelete = async (attempt: Attempt): Promise<Begun> => {
  const fakes = await begun({ plan: { attempts: [attempt] } });
  await removed(fakes);
  return fakes;
};

/** Each step of the workflow that passes a role to EKS, in a state in which it does so. */
const handing: [StepName, string, () => Promise<Begun>][] = [
  ['update-addon', 'eks.updateAddon', () => begun({ plan: { attempts: [IN_PLACE] } })],
  ['create-association', 'eks.createAssociation', () => begunAccount()],
  ['create-addon', 'eks.createAddon', () => afterDelete(RECREATE_PRESERVING)],
  [
    'carry-over',
    'eks.updateAssociation',
    async () => {
      const carryOver = [{ namespace, serviceAccount, from: OLD.id, tags: {}, disableSessionTags: true }];
      const fakes = await begun({ plan: { attempts: [IN_PLACE], carryOver }, snapshot: { associations: [OLD] } });
      fakes.eks.addons.set(ADDON, aMigratedAddon([NEW.arn]));
      fakes.eks.associations = [structuredClone(NEW)];
      return fakes;
    },
  ],
];

describe.each(handing)('%s', (name, call, prepare) => {
  const refused = async (
    change: TrustChange | undefined,
    error = refusal(),
    secondsLater = 20,
  ): Promise<{ fakes: Begun; thrown: unknown }> => {
    const fakes = await prepare();
    if (change) await fakes.ledger.recordTrustChange(MIGRATION_ID, change);
    fakes.clock.advance(secondsLater * 1000);
    fakes.journal.failNext(call, 'before', error);
    return { fakes, thrown: await invoke(steps[name], fakes.input, fakes).catch((one: unknown) => one) };
  };

  it.each([20, 86_000])('waits where EKS has not seen a repaired trust for %d s, then goes on', async (seconds) => {
    const { fakes, thrown } = await refused(aTrustChange(), refusal(), seconds);
    expect(thrown).toMatchObject(anError('TrustNotSeenYet', 'Trust policy of the role provided is invalid'));
    fakes.clock.advance(10_000);
    await invoke(steps[name], fakes.input, fakes);
    expect(fakes.journal.mutations().filter((one) => one === call)).toHaveLength(2);
  });

  it.each<[string, TrustChange | undefined, number, MigrationError?]>([
    ['nothing was repaired', undefined, 20],
    ['it was not written', aTrustChange({ writtenAt: undefined }), 20],
    ['it was undone', aTrustChange({ undoneAt: at(1) }), 20],
    [
      'it is about something else',
      aTrustChange(),
      20,
      refusal(`${PARAMETER}: Addon version specified is not supported`),
    ],
  ])('takes a refusal for what it says where %s', async (_, change, secondsLater, error = refusal()) =>
    expect((await refused(change, error, secondsLater)).thrown).toBe(error),
  );
});

it.each([
  [299, 'TrustNotSeenYet'],
  [301, 'InvalidRequest'],
])('while the software of a deleted add-on is gone, a refusal after %d s is called %s', async (seconds, name) => {
  const fakes = await afterDelete(RECREATE);
  await fakes.ledger.recordTrustChange(MIGRATION_ID, aTrustChange());
  fakes.clock.advance(Date.parse(aTrustChange().writtenAt!) + seconds * 1000 - fakes.clock.now());
  fakes.journal.failNext('eks.createAddon', 'before', refusal());
  await expectError(invoke(steps['create-addon'], fakes.input, fakes), name);
});
