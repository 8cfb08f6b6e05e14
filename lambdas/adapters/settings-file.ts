import { readFileSync } from 'node:fs';
import { type DeploymentSettings, deploymentSettings } from '../domain/settings/deployment.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import { ZOD_MESSAGES } from '../domain/text/zod-messages.ts';
import { problemsOf } from '../domain/text/problems.ts';

const wrong = (file: string, problem: string, options?: ErrorOptions): never => {
  throw new MigrationError(
    'BadInput',
    `The settings file ${file} of this function ${problem}. Deploy the service again, so that the function gets the layer with its settings.`,
    options,
  );
};

function jsonIn(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return wrong(file, `cannot be read (${code})`, { cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    return wrong(file, 'is not JSON', { cause: error });
  }
}

/**
 * Reads the settings that the deployment ships with its functions. The synthesis validated them, so an invalid or
 * missing file was changed manually. Throws `BadInput` for such a file.
 */
export function readSettingsFile(file: string): DeploymentSettings {
  const parsed = deploymentSettings.safeParse(jsonIn(file), ZOD_MESSAGES);
  return parsed.success ? parsed.data : wrong(file, `is invalid: ${problemsOf(parsed.error, 'it')}`);
}
