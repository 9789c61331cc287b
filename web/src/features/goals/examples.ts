import type { Language } from '@/lib/i18n/language'

export const EXAMPLES = ['words', 'list', 'runbook'] as const
export type Example = (typeof EXAMPLES)[number]

/** The text of an example in a language. All of them work with no model and no network. */
export function exampleText(example: Example, language: string): string {
  return TEXTS[language as Language][example]
}

const PYTHON = `import csv, statistics

rows = [("Jan", 1240), ("Feb", 1385), ("Mar", 1190), ("Apr", 1610)]
with open("visits.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["month", "visits"])
    writer.writerows(rows)
print("mean", statistics.mean(value for _, value in rows))`

const SHELL = `sort -t, -k2 -n -r visits.csv | head -n 3 > best.txt
cat best.txt`

const TEXTS: Record<Language, Record<Example, string>> = {
  en: {
    words:
      'Generate the first 200 prime numbers in Python, find the largest gap between neighbours and write a short report about it.',
    list: `1. Create a file with 1,000 random temperatures
2. Compute mean, median and the hottest ten
3. Ask me for approval before you write the report
4. Write a report with a table`,
    runbook: `# Visits of the quarter

## Collect

\`\`\`python
${PYTHON}
\`\`\`

- [ ] visits.csv exists
- [ ] the output contains "mean"

## Find the best months

\`\`\`shell
${SHELL}
\`\`\`

- [ ] best.txt exists

## Approve the figures

Ask for approval before the report is written.

## Write the report
`,
  },
  'pt-BR': {
    words:
      'Gere os primeiros 200 números primos em Python, encontre a maior distância entre vizinhos e escreva um relatório curto sobre isso.',
    list: `1. Criar um arquivo com 1.000 temperaturas aleatórias
2. Calcular média, mediana e as dez mais quentes
3. Pedir minha aprovação antes de escrever o relatório
4. Escrever um relatório com uma tabela`,
    runbook: `# Visitas do trimestre

## Coletar

\`\`\`python
${PYTHON}
\`\`\`

- [ ] visits.csv existe
- [ ] a saída contém "mean"

## Encontrar os melhores meses

\`\`\`shell
${SHELL}
\`\`\`

- [ ] best.txt existe

## Aprovar os números

Pedir aprovação antes de escrever o relatório.

## Escrever o relatório
`,
  },
}
