/** Why credentials were refused, in the words of the service that refused them. */
export interface Refusal {
  /** Error name. `AgentUnreachable`: the agent's address does not answer. */
  code: string;
  /** HTTP status; 0 if there was no response. */
  status: number;
  message: string;
}

/** A role that was granted, and the name of the session. */
export interface Granted {
  roleArn: string;
  sessionName: string;
}

export const isRefusal = (result: object): result is { refused: Refusal } => 'refused' in result;

export const refused = (code: string, status: number, message: string): { refused: Refusal } => ({
  refused: { code, status, message },
});
