/** A child of `main.ts`: runs its share and sends the results. It can only be forked. */
import { type News, type Order, runShare } from './share.ts';
import { emptyTally, failureText, outcomeOf, tallyActs } from './tally.ts';

/** Runs between two messages to the parent. */
const BATCH = 25;

const work = async (order: Order): Promise<void> => {
  let news: News = { tally: emptyTally(), broken: [] };
  const send = (): void => {
    process.send?.(news);
    news = { tally: emptyTally(), broken: [] };
  };
  await runShare(order, (result, broken) => {
    const { tally } = news;
    tally.runs += 1;
    tally[outcomeOf(result)] += 1;
    tally.broken += broken.length;
    tallyActs(tally, result);
    news.broken.push(...broken.map((one) => ({ ...one, spec: result.spec })));
    if (broken.length > 0 && !order.quiet) process.stderr.write(failureText(result, broken));
    if (tally.runs >= BATCH || broken.length > 0) send();
  });
  send();
};

process.once('message', (order: Order) => {
  void work(order).then(
    () => process.disconnect(),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
