// The two gateways under test, and the record of the model behind them.

const of = (dialect) => {
  const name = `ATELIER_CLIENTS_${dialect.toUpperCase()}`;
  return { dialect, url: process.env[name], token: process.env[`${name}_TOKEN`] };
};

export const gateways = [of("chat"), of("anthropic")];

/** What the model was asked, and whose answers nobody took to the end. */
export async function record() {
  const answer = await fetch(`${process.env.ATELIER_CLIENTS_MODEL}/scripted`);
  return answer.json();
}

/** Waits until the model has noticed that nobody listens to this answer any more. */
export async function abandoned(prompt) {
  const deadline = Date.now() + 3000;
  while (!(await record()).abandoned.includes(prompt)) {
    if (Date.now() > deadline) throw new Error("the model was left talking");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// One red pixel.
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
