/**
 * The resource types that moto's CloudFormation does not create. Their properties are resolved by moto and compared like
 * all others, but no service of moto has seen them. A type of the templates that is neither here nor created by moto is a
 * difference, and so is a type here that moto creates.
 */
interface NotCreated {
  /** `stand-in`: stand_ins.py gives other resources the values of Ref and Fn::GetAtt. */
  by: 'stand-in' | 'nothing';
  reason: string;
}

const nothing = (reason: string): NotCreated => ({ by: 'nothing', reason });
const standIn = (reason: string): NotCreated => ({ by: 'stand-in', reason });

export const NOT_CREATED: Readonly<Record<string, NotCreated>> = {
  'AWS::CloudWatch::Alarm': standIn(
    'moto has alarms, but does not create them from a template; the dashboard shows them.',
  ),
  'AWS::ApiGateway::Stage': standIn('moto has stages, but does not create them from a template; the URL contains one.'),
  'AWS::ApiGateway::GatewayResponse': nothing('moto has gateway responses, but does not create them from a template.'),
  'AWS::SNS::Subscription': nothing('moto has subscriptions, but creates only those that a topic lists itself.'),
  'AWS::Scheduler::Schedule': nothing('moto has schedules, but does not create them from a template.'),
  'AWS::Lambda::EventInvokeConfig': nothing('moto has no settings of asynchronous invocations in a template.'),
  'AWS::S3::BucketPolicy': nothing('moto has bucket policies, but does not create them from a template.'),
  'AWS::SQS::QueuePolicy': nothing('moto has queue policies, but does not create them from a template.'),
  'AWS::Events::EventBusPolicy': nothing('moto has bus policies, but does not create them from a template.'),
  'AWS::SNS::TopicPolicy': nothing('moto has topic policies, but does not create them from a template.'),
};
