// What memory knew, for runs of tests: one that really was given something needs a model to be given it.

const entry = (title, more) => ({
  document_id: null,
  chunk: null,
  title,
  source: 'run',
  time: null,
  score: null,
  privacy: 'shareable',
  tokens: 40,
  ...more,
})

const found = (number, title, more) =>
  entry(title, {
    document_id: `doc_0000000000000000000${number}`,
    chunk: number,
    source: 'letters',
    time: '2026-11-20T09:30:00.000Z',
    score: 1 / number,
    ...more,
  })

/** Something of every kind: with a title and without, of memory and not, and both reasons for being left out. */
export const GIVEN_CONTEXT = {
  query: 'What did the zirconium oven cost?',
  counter: 'o200k_base',
  budget_tokens: 400,
  tokens: 240,
  privacy: 'local',
  sections: [
    {
      name: 'guardrails',
      title: 'Guardrails',
      tokens: 40,
      entries: [entry('soul.md', { source: 'file', text: 'Be exact.' })],
    },
    {
      name: 'retrieved',
      title: 'From memory',
      tokens: 160,
      entries: [
        found(1, 'What the oven cost', { privacy: 'local', text: 'The zirconium oven cost 4,200.' }),
        found(2, 'A letter about the oven', { text: 'Dear all,\n\nthe zirconium oven is repaired.' }),
      ],
    },
    {
      name: 'user_request',
      title: 'Request',
      tokens: 40,
      entries: [entry('', { source: 'request', text: 'What did the zirconium oven cost?' })],
    },
  ],
  cut: [
    found(3, 'Another letter', { reason: 'duplicate', tokens: 0 }),
    found(4, 'A long report', { reason: 'budget', tokens: 1_200 }),
  ],
  text: '',
}

/** Answers for the server what any run was given; `null` is nothing. */
export async function giveContext(page, context) {
  const nothing = { title: 'Not Found', status: 404, code: 'pack_not_found', detail: 'nothing from memory' }
  await page.route('**/api/v1/context/run_*', (route) =>
    context === null
      ? route.fulfill({ status: 404, contentType: 'application/problem+json', body: JSON.stringify(nothing) })
      : route.fulfill({ json: context }),
  )
}
