"""Etiquetas da Alvorada: o que se imprime e cola em cada saco encomendado."""

import textwrap
from datetime import datetime, timedelta

LARGURA_MM = 58
COLUNAS = 32
ALERGENIOS_FIXOS = ["glúten"]


def quebrar(texto: str) -> list[str]:
    """Linhas que cabem na impressora térmica, sem partir palavras."""
    return textwrap.wrap(texto, COLUNAS, break_long_words=False)


def validade(produto: str, saida: datetime) -> datetime:
    """Até quando se pode comer: a broa dura cinco dias, o resto dois, a pastelaria até à noite."""
    if produto == "broa":
        return saida + timedelta(days=5)
    if produto in {"croissant", "nata", "pao-de-deus"}:
        return saida.replace(hour=22, minute=0)
    return saida + timedelta(days=2)


def etiqueta(nome: str, produto: str, alergenios: list[str], saida: datetime) -> str:
    """O texto de uma etiqueta. O nome do cliente vai em maiúsculas, porque a D. Lurdes não usa óculos."""
    todos = ALERGENIOS_FIXOS + sorted(set(alergenios) - set(ALERGENIOS_FIXOS))
    linhas = [nome.upper(), *quebrar(produto), "Contém: " + ", ".join(todos)]
    linhas.append("Consumir até " + validade(produto, saida).strftime("%d/%m %H:%M"))
    return "\n".join(linhas)


def ordenar(encomendas: list[dict]) -> list[dict]:
    """Por hora de levantamento e depois por apelido, como no caderno preto."""
    return sorted(encomendas, key=lambda uma: (uma["hora"], uma["nome"].split()[-1]))
