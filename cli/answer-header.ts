/** Reads a header of AWS's answers, which the SDK does not return. */
import type { STSClient } from '@aws-sdk/client-sts';

/** Calls back with the header's value in each answer to the client; undefined if an answer does not have it. */
export const onAnswerHeader = (
  client: Pick<STSClient, 'middlewareStack'>,
  wanted: string,
  receive: (value: string | undefined) => void,
): void =>
  client.middlewareStack.add(
    (next) => async (given) => {
      const answer = await next(given);
      const { headers } = (answer.response ?? {}) as { headers?: Record<string, string> };
      receive(Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1]);
      return answer;
    },
    { name: `answerHeader:${wanted}`, step: 'deserialize', priority: 'low', override: true },
  );
