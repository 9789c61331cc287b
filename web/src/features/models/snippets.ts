/** What to write in other programs so that they ask Atelier. */

export const CLIENTS = ['openai', 'anthropic'] as const
export type Client = (typeof CLIENTS)[number]

export const TONGUES = ['shell', 'python', 'javascript'] as const
export type Tongue = (typeof TONGUES)[number]

/** A token that may ask models and nothing else. */
export const TOKEN_COMMAND = 'export ATELIER_TOKEN=$(atelier token new --name my-app --scopes llm:invoke)'

/** The addresses that the clients put their own paths behind: Anthropic's adds `/v1` itself. */
export function baseUrl(client: Client, origin: string): string {
  return client === 'openai' ? `${origin}/v1` : origin
}

export function snippet(client: Client, tongue: Tongue, origin: string, model: string): string {
  return SNIPPETS[client][tongue](baseUrl(client, origin), model)
}

const SNIPPETS: Record<Client, Record<Tongue, (base: string, model: string) => string>> = {
  openai: {
    shell: (base, model) => `curl ${base}/chat/completions \\
  -H "Authorization: Bearer $ATELIER_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",
    "messages": [{"role": "user", "content": "Say hello."}]
  }'
`,
    python: (base, model) => `import os
from openai import OpenAI

client = OpenAI(base_url="${base}", api_key=os.environ["ATELIER_TOKEN"])
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)
`,
    javascript: (base, model) => `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${base}', apiKey: process.env.ATELIER_TOKEN })
const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Say hello.' }],
})
console.log(answer.choices[0].message.content)
`,
  },
  anthropic: {
    shell: (base, model) => `curl ${base}/v1/messages \\
  -H "x-api-key: $ATELIER_TOKEN" \\
  -H "anthropic-version: 2023-06-01" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "Say hello."}]
  }'
`,
    python: (base, model) => `import os
from anthropic import Anthropic

client = Anthropic(base_url="${base}", api_key=os.environ["ATELIER_TOKEN"])
answer = client.messages.create(
    model="${model}",
    max_tokens=200,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.content[0].text)
`,
    javascript: (base, model) => `import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ baseURL: '${base}', apiKey: process.env.ATELIER_TOKEN })
const answer = await client.messages.create({
  model: '${model}',
  max_tokens: 200,
  messages: [{ role: 'user', content: 'Say hello.' }],
})
console.log(answer.content[0].text)
`,
  },
}
