/** Commands of the AWS CLI for remedies. Options: AWS CLI command reference, `aws eks`. */
import type { Target } from '../terms/subject.ts';
import { shellCommand, type Word } from '../text/shell.ts';

type Where = Pick<Target, 'region' | 'cluster'>;

/** Returns a command of `aws eks` about a cluster. It names the region, since the person's default may be another one. */
export const eksCommand = ({ region, cluster }: Where, operation: string, ...groups: (Word[] | undefined)[]): string =>
  shellCommand(['aws', 'eks', operation, '--region', region, '--cluster-name', cluster], ...groups);

/** Returns a command of `aws eks` about the add-ons of a region, regardless of any cluster. */
export const eksRegionCommand = (
  { region }: Pick<Target, 'region'>,
  operation: string,
  ...groups: (Word[] | undefined)[]
): string => shellCommand(['aws', 'eks', operation, '--region', region], ...groups);
