import { expect, test } from 'vitest'
import { splitThinking } from './thinking'

test.each([
  ['An answer.', '', 'An answer.'],
  ['<think>Let me see.</think>\n\nSeven.', 'Let me see.', 'Seven.'],
  ['\n<think>\nLet me', 'Let me', ''],
  ['<thi', '', ''],
  ['<think></think>Seven.', '', 'Seven.'],
  ['I <think> so.', '', 'I <think> so.'],
  ['<table>', '', '<table>'],
])('%j', (text, thinking, answer) => {
  expect(splitThinking(text)).toEqual({ thinking, answer })
})
