/** What CloudFormation's pseudo parameters know about a stack. */
export interface Environment {
  account: string;
  region: string;
  partition: string;
  stackName: string;
}
