// O carrinho das encomendas da padaria: o que se pode pedir, até quando e quanto se paga já.

export type Loja = 'alvalade' | 'arroios'
export type Linha = { produto: string; quantidade: number; centimos: number }
export type Fornada = { hora: 7 | 11 | 17; limite: number; vendidos: number }

const HORA_LIMITE = 20
const SINAL_ACIMA_DE = 4_000

/** Falso depois das oito da noite da véspera. */
export function aindaVaiATempo(agora: Date, levantamento: Date): boolean {
  const limite = new Date(levantamento)
  limite.setDate(limite.getDate() - 1)
  limite.setHours(HORA_LIMITE, 0, 0, 0)
  return agora < limite
}

/** Quantos ainda se podem pedir de uma fornada; nunca menos de zero. */
export function restantes(fornada: Fornada | undefined): number {
  // Sem loja escolhida não há fornada: foi isto que partiu a compilação de 5 de maio.
  if (!fornada) return 0
  return Math.max(0, fornada.limite - fornada.vendidos)
}

/** A parte que se paga ao encomendar: metade, se o total passar de quarenta euros. */
export function pagarJa(linhas: Linha[]): number {
  const total = linhas.reduce((soma, linha) => soma + linha.quantidade * linha.centimos, 0)
  return total > SINAL_ACIMA_DE ? Math.ceil(total / 2) : 0
}

/** Quem faltou três vezes seguidas paga tudo à cabeça. */
export function pagaPorInteiro(faltasSeguidas: number): boolean {
  return faltasSeguidas >= 3
}
