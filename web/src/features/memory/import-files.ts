/** Which files memory can read, for the file chooser; whatever else is dropped, the server decides. */
export const ACCEPTED_FILES = [
  '.md .markdown .txt .rst .html .htm .pdf .docx .csv .tsv .json .jsonl .ndjson .yaml .yml .toml .xml .eml .mbox .ics',
  '.zip .rs .py .js .mjs .ts .tsx .jsx .go .java .kt .c .h .cc .cpp .hpp .cs .rb .php .swift .scala .sh .sql .css .lua',
]
  .join(' ')
  .replaceAll(' ', ',')

/** A collection's name as the server takes it: lower-case letters, digits, hyphens and underscores, at most 64. */
export function isCollectionName(name: string): boolean {
  return /^[a-z0-9_-]{1,64}$/.test(name)
}

/** A name that comes as near as can be to what was typed. */
export function collectionNameOf(typed: string): string {
  return typed
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, 64)
}
