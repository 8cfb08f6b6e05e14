/** The response of operations that assume a role: the issued credentials. */
import type { XmlValue } from '../iam/query-protocol.ts';
import type { RoleState, World } from '../world/world.ts';
import { issueAccessKey } from '../authorization/access-keys.ts';
import { sessionArn } from '../authorization/sessions.ts';

/** Issues credentials of a role for a number of seconds. `policies`: session policies as JSON. */
export const issueSession = (
  world: World,
  role: RoleState,
  { sessionName, seconds, policies }: { sessionName: string; seconds: number; policies: string[] | undefined },
): { AssumedRoleUser: XmlValue; Credentials: XmlValue } => {
  // Expiration uses the real clock, by which clients sign and SDKs check it, in whole seconds as in the response.
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
