import { Aws, CfnCondition, CfnResource, Fn, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { DENIED_UPDATE } from '../events/denials.ts';
import { serviceRole } from '../service-role.ts';

/** Prefix of its role's name, to which the region is added, because roles belong to all regions of an account. */
const FORWARD_ROLE = 'pod-identity-migrator-forward';

/** The location of the service. */
export interface ForwardProps {
  account: string;
  region: string;
}

/**
 * Forwards CloudTrail's events about denied updates to the default bus of the service. It has a separate role in each
 * region, because the rule and its role are created together. Source: EventBridge User Guide, "Sending and receiving
 * events between AWS accounts".
 */
export class Forward extends Construct {
  constructor(scope: Construct, id: string, { account, region }: ForwardProps) {
    super(scope, id);
    const bus = events.EventBus.fromEventBusArn(
      this,
      'Bus',
      `arn:${Aws.PARTITION}:events:${region}:${account}:event-bus/default`,
    );
    const role = serviceRole(
      this,
      'Role',
      'events',
      'Allows EventBridge to forward events about denied updates of EKS add-ons to the Pod Identity migrator.',
      `${FORWARD_ROLE}-${Aws.REGION}`,
    );
    const rule = new events.Rule(this, 'DeniedUpdate', {
      description: 'Forwards an UpdateAddon that EKS denied as a cross-account pass role to the Pod Identity migrator.',
      eventPattern: DENIED_UPDATE,
    });
    rule.addTarget(new targets.EventBus(bus, { role }));
    Validations.of(rule).acknowledge({
      id: 'Serverless-EventBusDLQ',
      reason:
        'EventBridge retries for 24 hours, and CloudTrail keeps the event for 90 days. No one would monitor a queue in each account and region.',
    });
    // In the location of the service, its own rule handles the event; forwarding it there would create a loop.
    const elsewhere = new CfnCondition(this, 'Elsewhere', {
      expression: Fn.conditionNot(
        Fn.conditionAnd(Fn.conditionEquals(Aws.ACCOUNT_ID, account), Fn.conditionEquals(Aws.REGION, region)),
      ),
    });
    for (const child of this.node.findAll())
      if (CfnResource.isCfnResource(child)) child.cfnOptions.condition = elsewhere;
  }
}
