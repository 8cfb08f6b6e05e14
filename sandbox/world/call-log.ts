/** What the service itself is made of, whose calls change nothing of the target. */
export const OWN_SERVICES: readonly string[] = ['dynamodb', 'states', 'lambda', 'sts', 'events', 's3', 'sns', 'sqs', 'execute-api'];

/** One API call, as it was answered. */
export interface Call {
  /** Counts from 1. */
  n: number;
  /** The world's time when the request came in, ISO 8601. */
  at: string;
  /** `eks`, `iam`, `sts`, `dynamodb`, `states`, `events`, `s3`, `sns`, `sqs`, `lambda`, `execute-api` or `kubernetes`. */
  service: string;
  operation: string;
  /** True for calls that can change something. */
  mutating: boolean;
  caller: string;
  account: string;
  region: string;
  cluster?: string;
  /** Of a call that one of the service's functions made in this process: its step, the execution that invoked it, and the invocation's request id. */
  step?: string;
  execution?: string;
  invocation?: string;
  input: unknown;
  status: number;
  error?: string;
  /** The action that the caller has no right to, such as `iam:PassRole`: it may be another than the operation's own. */
  denied?: string;
}

/** Every call to every service, in order; the tests' and the promises' witness. */
export class CallLog {
  readonly calls: Call[] = [];
  private readonly listeners: ((call: Call) => void)[] = [];

  add(call: Omit<Call, 'n'>): void {
    const entry = { n: this.calls.length + 1, ...call };
    this.calls.push(entry);
    for (const listener of this.listeners) listener(entry);
  }

  onCall(listener: (call: Call) => void): void {
    this.listeners.push(listener);
  }

  /** Calls that can change the target: everything but the service's own. */
  mutations(): Call[] {
    return this.calls.filter((call) => call.mutating && !OWN_SERVICES.includes(call.service));
  }

  toJsonLines(): string {
    return this.calls.map((call) => `${JSON.stringify(call)}\n`).join('');
  }
}
