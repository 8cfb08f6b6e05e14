// replaced by branch report
import type { SweepReport } from './report.ts';

export const reportCsv = ({ rows }: SweepReport): string => rows.map(({ account, region, cluster = '', addon = '', class: found }) => `${account},${region},${cluster},${addon},${found}\r\n`).join('');
