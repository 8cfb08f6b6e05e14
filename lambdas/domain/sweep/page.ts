// replaced by branch report
import type { SweepReport } from './report.ts';

export const reportPage = ({ sweepId }: SweepReport): string => `<!doctype html><title>${sweepId}</title>`;
