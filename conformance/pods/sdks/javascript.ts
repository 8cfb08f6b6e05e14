/** A worker with the AWS SDK for JavaScript: answers questions of its standard input until that ends. */
import { createInterface } from 'node:readline';
import { chdir } from 'node:process';
import { openChain } from './javascript-chain.ts';
import { PORT_VARIABLE, type Question, SECURE_PORT_VARIABLE } from './protocol.ts';

const chain = openChain({
  port: Number(process.env[PORT_VARIABLE]),
  securePort: Number(process.env[SECURE_PORT_VARIABLE]),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { env, directory } = JSON.parse(line) as Question;
  chdir(directory);
  process.stdout.write(`${JSON.stringify(await chain.ask(env))}\n`);
}
