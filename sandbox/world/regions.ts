/** Regions that an account has not enabled. */
import type { World } from './world.ts';

/**
 * Regions that are enabled in every account and cannot be disabled (AWS Account Management Reference Guide, "Enable or
 * disable AWS Regions in your account").
 */
export const DEFAULT_REGIONS: readonly string[] = [
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
];

export const isDisabled = (world: World, account: string, region: string): boolean =>
  world.accounts.get(account)?.disabledRegions?.includes(region) ?? false;
