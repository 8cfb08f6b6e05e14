/** CloudTrail's event of a denied UpdateAddon, from the bus to the message that somebody reads. */
import { describe, expect, it } from 'vitest';
import { type ServiceEvent, serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { deniedEvent, type DeniedEvent, PRINCIPAL } from '../lambdas/denied-event.ts';
import { inWorld, type OpenWorld } from './world.ts';

const ADDON = 'aws-ebs-csi-driver';
const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
const MINUTES = 60_000;

/** Delivers, and lets everything happen that follows by itself. */
async function deliver(world: OpenWorld, ...events: DeniedEvent[]): Promise<void> {
  for (const event of events) {
    world.backend.sandbox.deliver(event);
    await world.later(5 * MINUTES);
  }
  await world.rest();
  await world.later(5 * MINUTES);
}
const notificationsIn = ({ backend }: OpenWorld): ServiceEvent[] =>
  backend.sandbox.world.events.map(({ detail }) => serviceEvent.parse(detail));
const messagesIn = ({ backend }: OpenWorld): string[] =>
  backend.sandbox.world.notifications.map(({ message }) => message);

describe('a denied UpdateAddon', () => {
  it('leads to one plan, and one message with diagnosis and command, however often CloudTrail tells of it; nothing is changed', async () => {
    await inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      const before = world.look(ADDON, SERVICE_ACCOUNT);
      await deliver(world, deniedEvent(), deniedEvent(), deniedEvent({ detail: { eventID: 'of-the-next-apply' } }));
      expect(notificationsIn(world)).toMatchObject([
        {
          type: 'planned',
          dryRun: true,
          cluster: 'reliability-dev',
          addon: ADDON,
          trigger: { kind: 'cross-account-pass-role', eventId: '7f2b6f0e-5d0a-4a52-9b7e-0f3b1c2d3e4f' },
        },
      ]);
      const [message = '', ...others] = messagesIn(world);
      expect(others).toEqual([]);
      for (const part of [
        'UpdateAddon was denied, a migration fixes it: aws-ebs-csi-driver on reliability-dev',
        'Terraform called UpdateAddon',
        `It was called as ${PRINCIPAL}.`,
        'EKS takes the empty text for a role of another account',
        'Nothing was changed by it.',
        'The plan: in place; pods roll, capacity stays.',
        `+ association kube-system/${SERVICE_ACCOUNT} with arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role`,
        'To carry it out: pod-identity migrate --cluster reliability-dev --region eu-west-1 --addon aws-ebs-csi-driver --deployed',
        'drop service_account_role_arn',
      ]) {
        expect(message).toContain(part);
      }
      expect(world.changes()).toEqual([]);
      expect(world.look(ADDON, SERVICE_ACCOUNT)).toEqual(before);
      expect(world.backend.sandbox.world.deadLetters).toEqual([]);
    });
  });

  it.each<[string, DeniedEvent]>([
    [
      'an unrelated AccessDenied',
      deniedEvent({ detail: { errorMessage: 'User: x is not authorized to perform: eks:UpdateAddon' } }),
    ],
    [
      'a role of another account that was really named',
      deniedEvent({ parameters: { serviceAccountRoleArn: 'arn:aws:iam::999999999999:role/x' } }),
    ],
  ])('is not what this is: %s', async (_, event) => {
    await inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      await deliver(world, event);
      expect([notificationsIn(world), messagesIn(world), world.changes()]).toEqual([[], [], []]);
      expect(world.backend.sandbox.executions.list(world.backend.stateMachineArn)).toEqual([]);
    });
  });

  it('of a cluster that is not there is told of, with what blocks', async () => {
    await inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      await deliver(world, deniedEvent({ cluster: 'gone' }));
      expect(notificationsIn(world)).toMatchObject([{ type: 'blocked', cluster: 'gone' }]);
      expect(messagesIn(world)).toHaveLength(1);
      expect(messagesIn(world)[0]).toContain('UpdateAddon was denied, a migration is blocked');
    });
  });

  it.each([
    ['is put again after a lost reply, under the same id', { kind: 'lost-after', operation: 'PutEvents' }],
    ['is put though PutEvents was throttled', { kind: 'throttled', operation: 'PutEvents' }],
    [
      'is started though StartExecution was throttled',
      { kind: 'throttled', operation: 'StartExecution', step: 'diagnose-denial' },
    ],
    [
      'is started though the reply of the claim was lost',
      { kind: 'lost-after', operation: 'PutItem', step: 'diagnose-denial' },
    ],
  ] as const)('%s', async (_, fault) => {
    await inWorld({ scenario: 'ebs-csi-irsa', faults: [fault as never] }, async (world) => {
      await deliver(world, deniedEvent());
      const told = notificationsIn(world);
      expect(told.length).toBeGreaterThan(0);
      expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(1);
      expect(messagesIn(world).length).toBe(told.length);
      expect(world.backend.sandbox.executions.list(world.backend.stateMachineArn)).toHaveLength(1);
    });
  });
});
