/** The answer of a call that assumes a role: the credentials that it makes. */
import type { XmlValue } from '../iam/query-protocol.ts';
import type { RoleState, World } from '../world/world.ts';
import { issueAccessKey } from './access-keys.ts';
import { sessionArn } from './sessions.ts';

/** Makes credentials of that role for so many seconds; `policies`: session policies, JSON text. */
export const issueSession = (
  world: World,
  role: RoleState,
  { sessionName, seconds, policies }: { sessionName: string; seconds: number; policies: string[] | undefined },
): { AssumedRoleUser: XmlValue; Credentials: XmlValue } => {
  // By the clock of those who sign, since SDKs compare it with their own; whole seconds, as the answer says it.
  const expiresAt = Math.floor(Date.now() / 1000 + seconds) * 1000;
  const key = issueAccessKey(world, role.arn, { sessionName, expiresAt, ...(policies ? { policies } : {}) });
  return {
    AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${sessionName}`, Arn: sessionArn(role.arn, sessionName) },
    Credentials: {
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      SessionToken: key.sessionToken,
      Expiration: new Date(expiresAt).toISOString().replace(/\.\d{3}/, ''),
    },
  };
};
