// The worker's side of worker.js: takes the program that was compiled over there, and answers
// commands once it has started.

let take;

// A promise of the program that the page compiles.
export const compiled = new Promise((resolve, reject) => {
  take = ({ compiled, failed }) => (compiled ? resolve(compiled) : reject(new Error(failed)));
});
compiled.catch(() => {}); // whoever starts it hears of it

export function serve(started, commands) {
  onmessage = async ({ data }) => {
    const { id, command, argument } = data;
    if (id === undefined) {
      take(data);
      return;
    }
    try {
      await started;
      postMessage({ id, result: await commands[command](argument) });
    } catch (error) {
      postMessage({ id, error: String(error) });
    }
  };
}
