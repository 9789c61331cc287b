//! The verbs that begin an action, folded, as imperative and infinitive.
//!
//! Invariant: a word that is as often a noun is listed apart, so that “a plan and design” is not
//! cut in two.

use std::collections::HashSet;
use std::sync::LazyLock;

static VERBS: LazyLock<HashSet<&str>> = LazyLock::new(|| VERB_LIST.split_whitespace().collect());
static ALSO_NOUNS: LazyLock<HashSet<&str>> = LazyLock::new(|| NOUN_LIST.split_whitespace().collect());

const VERB_LIST: &str = " add analyse analyze approve ask assemble build calculate check clean clone collect compare \
    compile compute configure convert create debug define delete deploy describe develop download draw edit \
    ensure evaluate execute explain extract fetch filter find fix generate get implement improve inspect install \
    investigate join launch lint make measure merge migrate move notify open optimise optimize parse prepare \
    publish read recall refactor remove rename render rewrite run save scaffold send show start summarise summarize \
    tell train transform translate upload validate verify wait write \
    adicione adicionar analise analisar aguarde aguardar apague apagar aprove aprovar atualize atualizar baixe \
    baixar busque buscar calcule calcular carregue carregar colete coletar compile compilar confira conferir \
    configure configurar construa construir converta converter copie copiar corrija corrigir crie criar defina \
    definir descreva descrever desenhe desenhar desenvolva desenvolver documente documentar edite editar elabore \
    elaborar envie enviar escreva escrever execute executar explique explicar exporte exportar extraia extrair \
    faca fazer filtre filtrar formate formatar gere gerar imprima imprimir implante implantar implemente \
    implementar importe importar instale instalar investigue investigar junte juntar leia ler liste listar limpe \
    limpar mande mandar meca medir melhore melhorar mostre mostrar monte montar mova mover notifique notificar \
    ordene ordenar organize organizar peca pedir pesquise pesquisar planeje planejar plote plotar prepare preparar \
    programe programar projete projetar publique publicar redija redigir refatore refatorar relate relatar remova \
    remover renomeie renomear resuma resumir revise revisar rode rodar salve salvar separe separar solicite \
    solicitar suba subir testar traduza traduzir transforme transformar treine treinar valide validar verifique \
    verificar ";

const NOUN_LIST: &str = " comment commit copy count design document draft email export format group import index \
    list load log outline package plan plot print push query release report research review scan search set sort \
    split store sum tag test update teste compare some ";

const DETERMINERS: &str = " the a an it them all my our your its his her their each every this that these those \
    everything o a os as um uma tudo isso cada todos todas seu sua meu minha ";

const RUN: &str = " run runs execute rode roda rodar executa executar ";

/// Whether `word` begins an action; `next` decides for those that are nouns as well.
pub(super) fn begins_action(word: &str, next: Option<&str>) -> bool {
    VERBS.contains(word) || ALSO_NOUNS.contains(word) && next.is_some_and(|next| is_in(DETERMINERS, next))
}

/// Whether `word` is a verb at the start of a clause, where a noun is unlikely.
pub(super) fn is_verb(word: &str) -> bool {
    VERBS.contains(word) || ALSO_NOUNS.contains(word)
}

/// Whether `word` asks to run something.
pub(super) fn asks_to_run(word: &str) -> bool {
    is_in(RUN, word)
}

/// Whether `list`, words between spaces, has `word`.
pub(super) fn is_in(list: &str, word: &str) -> bool {
    !word.is_empty()
        && list
            .match_indices(word)
            .any(|(at, _)| list[..at].ends_with(' ') && list[at + word.len()..].starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_need_an_object_to_be_verbs() {
        assert!(begins_action("write", None));
        assert!(begins_action("escreva", Some("testes")));
        assert!(begins_action("test", Some("it")));
        assert!(!begins_action("test", Some("data")));
        assert!(!begins_action("writ", None));
        assert!(!begins_action("", None));
    }
}
