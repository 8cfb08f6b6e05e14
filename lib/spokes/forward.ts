import { Aws, CfnCondition, CfnResource, Fn, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { DENIED_UPDATE } from '../events/denials.ts';
import { serviceRole } from '../service-role.ts';

/** Name of its role, before the region: roles are of all regions of an account. */
const FORWARD_ROLE = 'pod-identity-migrator-forward';

/** The service's own place. */
export interface ForwardProps {
  account: string;
  region: string;
}

/**
 * Hands CloudTrail's events of denied updates on to the default bus of the service, with a role of its own in each
 * region: a rule is made at once where its role is. Source: EventBridge User Guide, "Sending and receiving events
 * between AWS accounts".
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
      'Lets EventBridge hand denied updates of EKS add-ons on to the Pod Identity migrator.',
      `${FORWARD_ROLE}-${Aws.REGION}`,
    );
    const rule = new events.Rule(this, 'DeniedUpdate', {
      description: 'EKS refused an UpdateAddon as a cross-account pass role: the Pod Identity migrator is told.',
      eventPattern: DENIED_UPDATE,
    });
    rule.addTarget(new targets.EventBus(bus, { role }));
    Validations.of(rule).acknowledge({
      id: 'Serverless-EventBusDLQ',
      reason:
        'EventBridge tries for 24 hours, and CloudTrail keeps the event for 90 days: a queue in each account and region would be looked at by nobody.',
    });
    // Where the service itself is, its own rule has the event, and one that forwards would send it in a circle.
    const elsewhere = new CfnCondition(this, 'Elsewhere', {
      expression: Fn.conditionNot(
        Fn.conditionAnd(Fn.conditionEquals(Aws.ACCOUNT_ID, account), Fn.conditionEquals(Aws.REGION, region)),
      ),
    });
    for (const child of this.node.findAll())
      if (CfnResource.isCfnResource(child)) child.cfnOptions.condition = elsewhere;
  }
}
