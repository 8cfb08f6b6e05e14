/**
 * The AWS configuration of a served sandbox: two profiles in files of its own, so that no profile of the user changes
 * where a call goes or who makes it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AwsCredentialIdentity } from '@smithy/types';
import { writePrivate } from '../private-file.ts';

/** The profiles; the first one is the default. */
export const OPERATOR = 'operator';
export const APPROVER = 'approver';

export interface Profiles {
  /** Variables that select the files. */
  environment: Record<'AWS_CONFIG_FILE' | 'AWS_SHARED_CREDENTIALS_FILE', string>;
  /** A folder for further files of the sandbox. */
  directory: string;
  /** Removes the files. */
  close: () => void;
}

/** An INI file with one section for each profile, and those of the operator as the default. */
const fileOf = (sections: readonly (readonly [name: string, values: Record<string, string>])[]): string =>
  sections
    .map(([name, values]) =>
      [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`), ''].join('\n'),
    )
    .join('\n');

const keysOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentialIdentity): Record<string, string> => ({
  aws_access_key_id: accessKeyId,
  aws_secret_access_key: secretAccessKey,
  ...(sessionToken === undefined ? {} : { aws_session_token: sessionToken }),
});

/** Creates a folder, in which `write` puts the files. */
export const openProfiles = (): Profiles & {
  write: (region: string, credentials: { operator: AwsCredentialIdentity; approver: AwsCredentialIdentity }) => void;
} => {
  const directory = mkdtempSync(join(tmpdir(), 'pod-identity-sandbox-'));
  const environment = {
    AWS_CONFIG_FILE: join(directory, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
  };
  return {
    directory,
    environment,
    write: (region, { operator, approver }) => {
      writePrivate(
        environment.AWS_CONFIG_FILE,
        fileOf(['default', `profile ${OPERATOR}`, `profile ${APPROVER}`].map((name) => [name, { region }] as const)),
      );
      writePrivate(
        environment.AWS_SHARED_CREDENTIALS_FILE,
        fileOf([
          ['default', keysOf(operator)],
          [OPERATOR, keysOf(operator)],
          [APPROVER, keysOf(approver)],
        ]),
      );
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
};
