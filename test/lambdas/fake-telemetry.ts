import type { Telemetry } from '../../lambdas/ports/index.ts';

/** Log lines and measurements in memory. */
export class FakeTelemetry implements Telemetry {
  readonly lines: { level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> }[] = [];
  counts: Record<string, number> = {};
  private readonly line =
    (level: 'info' | 'warn' | 'error') =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      this.lines.push({ level, message, fields });
    };
  readonly log = { info: this.line('info'), warn: this.line('warn'), error: this.line('error') };
  count(metric: string, value = 1): void {
    this.counts[metric] = (this.counts[metric] ?? 0) + value;
  }
  /** The last one of each. */
  readonly measured: Record<string, number> = {};
  seconds(metric: string, value: number): void {
    this.measured[metric] = value;
  }
}
