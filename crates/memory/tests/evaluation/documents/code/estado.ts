// Painel da Oficina Miradouro: três estados e nada mais.

export const ESTADOS = ['pecas', 'bancada', 'pronta'] as const
export type Estado = (typeof ESTADOS)[number]

/** O que o dono da bicicleta lê no telemóvel. */
export const FRASES: Record<Estado, string> = {
  pecas: 'Estamos à espera de peças.',
  bancada: 'Está na bancada.',
  pronta: 'Está pronta. Fechamos às segundas.',
}

/** Confirma o número do papel e o fim do telemóvel, a tempo constante para não se adivinhar. */
export function confere(esperado: string, dado: string): boolean {
  if (esperado.length !== dado.length) return false
  let diferente = 0
  for (let i = 0; i < esperado.length; i++) {
    diferente |= esperado.charCodeAt(i) ^ dado.charCodeAt(i)
  }
  return diferente === 0
}

/** Guarda no telemóvel a última resposta, para quando na cave não há rede. */
export function guardar(numero: string, estado: Estado): void {
  localStorage.setItem(`reparacao:${numero}`, JSON.stringify({ estado, em: Date.now() }))
}

/** Uma reparação some-se do painel quarenta dias depois de estar pronta. */
export function caducou(prontaEm: number, agora: number): boolean {
  return agora - prontaEm > 40 * 24 * 60 * 60 * 1000
}
