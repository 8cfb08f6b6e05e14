/** CloudTrail's event of a denied UpdateAddon, from the bus to the message that a person reads. */
import { describe, expect, it } from 'vitest';
import { type ServiceEvent, serviceEvent } from '../../lambdas/domain/events/service-event.ts';
import { deniedEvent, type DeniedEvent, PRINCIPAL } from '../lambdas/denied-event.ts';
import { inWorld, type OpenWorld } from './world.ts';

const ADDON = 'aws-ebs-csi-driver';
const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
const MINUTES = 60_000;

/** Delivers the event, and runs everything that follows automatically. */
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
  it('leads to one plan, and one message with diagnosis and command, however often CloudTrail reports it; nothing is changed', () =>
    inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      const before = world.readAddon(ADDON, SERVICE_ACCOUNT);
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
        'UpdateAddon was denied, a migration would fix it: aws-ebs-csi-driver on reliability-dev',
        'Terraform or OpenTofu called UpdateAddon',
        `The caller was ${PRINCIPAL}.`,
        'EKS treats the empty string as a role of another account',
        'The call changed nothing.',
        'Plan: in place (pods are replaced in a rolling update, capacity is kept).',
        `+ association kube-system/${SERVICE_ACCOUNT} with arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role`,
        'To carry out the plan: pod-identity migrate --cluster reliability-dev --region eu-west-1 --addon aws-ebs-csi-driver --deployed',
        'remove: service_account_role_arn',
        'For the exact code: pod-identity hand-off ',
        'Details: pod-identity show ',
      ]) {
        expect(message).toContain(part);
      }
      expect([world.changes(), world.readAddon(ADDON, SERVICE_ACCOUNT)]).toEqual([[], before]);
      expect(world.backend.sandbox.world.deadLetters).toEqual([]);
    }));

  it.each<[string, DeniedEvent]>([
    [
      'an unrelated AccessDenied',
      deniedEvent({ detail: { errorMessage: 'User: x is not authorized to perform: eks:UpdateAddon' } }),
    ],
    [
      'a role of another account that was really named',
      deniedEvent({ parameters: { serviceAccountRoleArn: 'arn:aws:iam::999999999999:role/x' } }),
    ],
  ])('is not a case of this: %s', (_, event) =>
    inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      await deliver(world, event);
      expect([notificationsIn(world), messagesIn(world), world.changes()]).toEqual([[], [], []]);
      expect(world.backend.sandbox.executions.list(world.backend.stateMachineArn)).toEqual([]);
    }),
  );

  it('of a missing cluster is reported, with what blocks', () =>
    inWorld({ scenario: 'ebs-csi-irsa' }, async (world) => {
      await deliver(world, deniedEvent({ cluster: 'gone' }));
      expect(notificationsIn(world)).toMatchObject([{ type: 'blocked', cluster: 'gone' }]);
      expect(messagesIn(world)).toHaveLength(1);
      expect(messagesIn(world)[0]).toContain('UpdateAddon was denied, the migration is blocked');
    }));

  it.each([
    ['is put again after a lost reply, under the same id', { kind: 'lost-after', operation: 'PutEvents' }],
    ['is put though PutEvents was throttled', { kind: 'throttled', operation: 'PutEvents' }],
    [
      'is started although StartExecution was throttled',
      { kind: 'throttled', operation: 'StartExecution', step: 'diagnose-denial' },
    ],
    [
      'is started although the reply of the claim was lost',
      { kind: 'lost-after', operation: 'PutItem', step: 'diagnose-denial' },
    ],
  ] as const)('%s', (_, fault) =>
    inWorld({ scenario: 'ebs-csi-irsa', faults: [fault as never] }, async (world) => {
      await deliver(world, deniedEvent());
      const notifications = notificationsIn(world);
      expect(notifications.length).toBeGreaterThan(0);
      expect(new Set(notifications.map(({ eventId }) => eventId)).size).toBe(1);
      expect(messagesIn(world).length).toBe(notifications.length);
      expect(world.backend.sandbox.executions.list(world.backend.stateMachineArn)).toHaveLength(1);
    }),
  );
});
