/** Why credentials were refused, as the service that refused them says it. */
export interface Refusal {
  /** Name of the error. `AgentUnreachable`: nobody answers at the agent's address. */
  code: string;
  /** HTTP status; 0 where nobody answered. */
  status: number;
  message: string;
}

/** A role that somebody may have. */
export interface Granted {
  roleArn: string;
  sessionName: string;
}

export const isRefusal = (judged: object): judged is { refused: Refusal } => 'refused' in judged;

export const refused = (code: string, status: number, message: string): { refused: Refusal } => ({
  refused: { code, status, message },
});
