/** Reads an add-on's configurationValues, which are JSON or YAML. */
import { parse } from 'yaml';
import { isObject } from './json.ts';

/** Parses configurationValues, JSON or YAML. Throws an Error if the text is neither. */
export const readConfiguration = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The core schema yields only values that JSON can express.
    return parse(text, { schema: 'core' }) as unknown;
  }
};

/** Returns one of the configuration values; undefined if it is not set, or if the text is neither JSON nor YAML. */
export const configurationValue = (text: string | undefined, name: string): unknown => {
  if (!text) return undefined;
  try {
    const values = readConfiguration(text);
    return isObject(values) ? values[name] : undefined;
  } catch {
    return undefined;
  }
};
