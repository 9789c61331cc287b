//! The customary steps of each sort of work, and what is said where rules can do no more.
//!
//! Invariant: a step that needs a writer or a programmer is a note, and its detail says that
//! nothing was done.

use super::verbs::is_in;
use crate::plan::{Criterion, Language, PlanStep, StepKind};
use crate::planner::TaskType;
use crate::planner::words::{shorten, words};

/// A step of a frame: titles, details and criteria in English and Portuguese.
struct Customary {
    title: (&'static str, &'static str),
    detail: (&'static str, &'static str),
    criterion: Option<(&'static str, &'static str)>,
}

const fn customary(
    title: (&'static str, &'static str),
    detail: (&'static str, &'static str),
    criterion: Option<(&'static str, &'static str)>,
) -> Customary {
    Customary { title, detail, criterion }
}

const CODING: [Customary; 4] = [
    customary(
        ("Design", "Projetar"),
        (
            "decide the parts, their interfaces and the files, and write them down",
            "decidir as partes, as interfaces e os arquivos, e anotar",
        ),
        Some(("The design names the parts and how they talk", "O projeto nomeia as partes e como conversam")),
    ),
    customary(
        ("Scaffold", "Montar o esqueleto"),
        (
            "create the project with its build, an empty entry point and a first test that runs",
            "criar o projeto com o build, um ponto de entrada vazio e um primeiro teste que roda",
        ),
        Some(("The empty project builds and starts", "O projeto vazio compila e inicia")),
    ),
    customary(
        ("Implement", "Implementar"),
        (
            "write the program, part by part, as designed",
            "escrever o programa, parte por parte, como projetado",
        ),
        Some(("It does what the goal asks for", "Faz o que o objetivo pede")),
    ),
    customary(
        ("Test", "Testar"),
        (
            "write tests for what the goal promises, run them and fix what fails",
            "escrever testes do que o objetivo promete, rodar e corrigir o que falhar",
        ),
        Some(("All tests pass", "Todos os testes passam")),
    ),
];

const WRITING: [Customary; 3] = [
    customary(
        ("Outline", "Fazer o roteiro"),
        (
            "list the points in the order a reader needs them",
            "listar os pontos na ordem de que o leitor precisa",
        ),
        Some(("Every point serves the goal", "Cada ponto serve ao objetivo")),
    ),
    customary(
        ("Draft", "Escrever o rascunho"),
        ("write the text from the outline", "escrever o texto a partir do roteiro"),
        Some(("The draft covers the outline", "O rascunho cobre o roteiro")),
    ),
    customary(
        ("Revise", "Revisar"),
        (
            "read it as its reader would; shorten, correct, check names and figures",
            "ler como o leitor leria; encurtar, corrigir, conferir nomes e números",
        ),
        Some(("No factual or spelling mistakes are left", "Não restam erros de fato nem de ortografia")),
    ),
];

const RESEARCH: [Customary; 3] = [
    customary(
        ("Gather sources", "Reunir fontes"),
        (
            "find sources and note for each what it says and when",
            "achar fontes e anotar o que cada uma diz e quando",
        ),
        Some(("Each claim has a source", "Cada afirmação tem uma fonte")),
    ),
    customary(
        ("Compare", "Comparar"),
        (
            "set agreements, contradictions and gaps side by side",
            "pôr lado a lado acordos, contradições e lacunas",
        ),
        None,
    ),
    customary(
        ("Conclude", "Concluir"),
        (
            "answer the question, and say how sure the answer is",
            "responder à pergunta e dizer quão segura é a resposta",
        ),
        Some(("The answer says how sure it is", "A resposta diz quão segura é")),
    ),
];

const DATA: [Customary; 4] = [
    customary(
        ("Load and look", "Carregar e olhar"),
        (
            "load the data; count rows, columns, gaps and duplicates",
            "carregar os dados; contar linhas, colunas, lacunas e duplicatas",
        ),
        Some(("The number of rows is known", "O número de linhas é conhecido")),
    ),
    customary(
        ("Clean", "Limpar"),
        (
            "repair or drop what is broken, and note how much that was",
            "consertar ou descartar o que está quebrado e anotar quanto foi",
        ),
        Some(("What was dropped is counted", "O que foi descartado está contado")),
    ),
    customary(
        ("Analyse", "Analisar"),
        ("compute what the goal asks for", "calcular o que o objetivo pede"),
        Some(("The totals agree with the source", "Os totais batem com a fonte")),
    ),
    customary(
        ("Chart", "Fazer o gráfico"),
        ("draw the one chart that answers the question", "desenhar o gráfico que responde à pergunta"),
        None,
    ),
];

const SOFTWARE: &str = " app api service server cli library script program website site webpage page bot module package \
    function repo repository feature endpoint database backend frontend plugin extension game tool code tests test \
    class parser crawler dashboard fastapi flask django react bug ci aplicativo aplicacao sistema servico programa \
    biblioteca robo servidor repositorio funcao pagina codigo testes ferramenta jogo modulo pacote erro ";
const BUILDS: &str = " build create implement develop make refactor fix debug scaffold add write want need quero preciso \
    construa construir crie criar implemente implementar desenvolva desenvolver faca fazer programe programar \
    refatore corrija corrigir adicione escreva monte montar ";
const WRITES: &str = " write draft compose rewrite translate edit escreva escrever redija redigir traduza traduzir \
    reescreva elabore ";
const TEXTS: &str = " article post email mail letter blog essay text newsletter story poem haiku speech proposal \
    announcement press bio copy artigo carta texto redacao boletim historia poema discurso proposta anuncio ";
const RESEARCHES: &str = " research investigate compare study explore find why how what who which when where pesquise \
    pesquisar investigue investigar compare comparar estude explore qual quais quem onde quando como porque ";
const ANALYSES: &str = " analyse analyze chart plot aggregate clean forecast visualise visualize analise analisar plote \
    limpe preveja ";
const NUMBERS: &str =
    " data dataset csv spreadsheet sales table statistics dados planilha vendas tabela estatisticas ";

/// The customary steps around a goal of one clause, without the last report.
pub(super) fn frame(task_type: TaskType, goal: &str, language: Language) -> Vec<PlanStep> {
    let goal = super::inline::without_marks(goal);
    let customary: &[Customary] = match told(task_type, &goal) {
        TaskType::Coding => &CODING,
        TaskType::Writing => &WRITING,
        TaskType::Research => &RESEARCH,
        TaskType::Data => &DATA,
        TaskType::Auto => &[],
    };
    let mut steps = vec![recall(&goal, language)];
    if customary.is_empty() {
        steps.push(work(task_type, &goal, language));
    }
    let subject = shorten(&goal, 100);
    steps.extend(customary.iter().map(|step| {
        let title = format!("{}: {subject}", language.pick(step.title.0, step.title.1));
        let mut note = PlanStep::new("", title, StepKind::Note);
        note.detail = Some(left_open(language, language.pick(step.detail.0, step.detail.1)));
        note.acceptance.extend(step.criterion.map(|(en, pt)| Criterion::new(language.pick(en, pt), None)));
        note
    }));
    steps
}

/// A step of work that rules cannot do.
pub(super) fn work(task_type: TaskType, title: &str, language: Language) -> PlanStep {
    let mut step = PlanStep::new("", title, StepKind::Note);
    step.detail = Some(left_open(language, &format!("“{}”", shorten(title, 2_000))));
    if told(task_type, title) == TaskType::Coding {
        let criterion = coding_criterion(title);
        step.acceptance = vec![Criterion::new(language.pick(criterion.0, criterion.1), None)];
    } else if task_type != TaskType::Auto {
        let text = language.pick("It is done, and somebody looked at it", "Está feito, e alguém conferiu");
        step.acceptance = vec![Criterion::new(text, None)];
    }
    step
}

/// A look into memory about a subject.
pub(super) fn recall(subject: &str, language: Language) -> PlanStep {
    let subject = shorten(&super::inline::without_marks(subject), 120);
    let is_asked = super::kind_of(&subject) == StepKind::Recall;
    let title = match language {
        _ if is_asked => subject.clone(),
        Language::En => format!("Recall what is known: {subject}"),
        Language::Pt => format!("Lembrar o que se sabe: {subject}"),
    };
    let mut step = PlanStep::new("", title, StepKind::Recall);
    step.detail = Some(subject);
    step
}

/// A report that the goal asks for.
pub(super) fn report(title: &str, language: Language) -> PlanStep {
    let mut step =
        PlanStep::new("", super::capitalized(&super::inline::without_marks(title)), StepKind::Report);
    step.detail = Some(report_detail(language).to_owned());
    step
}

/// The report at the end of every plan.
pub(super) fn final_report(language: Language) -> PlanStep {
    report(language.pick("Summarise what was done", "Resumir o que foi feito"), language)
}

/// What a report holds.
pub(in crate::planner) fn report_detail(language: Language) -> &'static str {
    language.pick(
        "Say what was done, what came out, what is left open, and which criteria hold.",
        "Dizer o que foi feito, o que saiu, o que ficou em aberto e quais critérios valem.",
    )
}

fn left_open(language: Language, what: &str) -> String {
    match language {
        Language::En => format!(
            "Not carried out: the offline rules plan this step but cannot do it. A person, or a model once one is \
             configured, would {}.",
            if what.starts_with('“') { format!("do it: {what}") } else { what.to_owned() }
        ),
        Language::Pt => format!(
            "Não executado: as regras offline planejam este passo, mas não o fazem. Uma pessoa, ou um modelo depois \
             de configurado, deve {}.",
            if what.starts_with('“') { format!("fazê-lo: {what}") } else { what.to_owned() }
        ),
    }
}

/// The task type that the words of a goal tell, unless it was given.
fn told(task_type: TaskType, goal: &str) -> TaskType {
    if task_type != TaskType::Auto {
        return task_type;
    }
    // What is quoted as code says nothing of the sort of work.
    let words = words(&goal.split('`').step_by(2).collect::<Vec<_>>().join(" "));
    let has = |list: &str| words.iter().take(200).any(|word| is_in(list, word));
    let begins = |list: &str| words.first().is_some_and(|word| is_in(list, word));
    if has(WRITES) && has(TEXTS) {
        TaskType::Writing
    } else if has(BUILDS) && has(SOFTWARE) {
        TaskType::Coding
    } else if has(ANALYSES) && has(NUMBERS) {
        TaskType::Data
    } else if begins(RESEARCHES) {
        TaskType::Research
    } else {
        TaskType::Auto
    }
}

fn coding_criterion(title: &str) -> (&'static str, &'static str) {
    let words = words(title);
    let has = |list: &str| words.iter().any(|word| is_in(list, word));
    if has(" test tests teste testes ") {
        ("All tests pass", "Todos os testes passam")
    } else if has(" ci pipeline workflow ") {
        ("CI runs on every change and passes", "A CI roda a cada mudança e passa")
    } else if has(" repo repository repositorio ") {
        ("A repository exists with a first commit", "Existe um repositório com um primeiro commit")
    } else if has(" deploy release publish implante publique ") {
        ("The new version answers where it was deployed", "A nova versão responde onde foi implantada")
    } else if has(" doc docs document documentation readme documente documentacao ") {
        ("A newcomer can follow the documentation", "Quem chega consegue seguir a documentação")
    } else if has(" design plan projete planeje ") {
        ("The design names the parts and how they talk", "O projeto nomeia as partes e como conversam")
    } else if has(" fix debug bug corrija erro ") {
        ("A test fails without the fix and passes with it", "Um teste falha sem a correção e passa com ela")
    } else {
        ("It builds, starts and does what the step says", "Compila, inicia e faz o que o passo diz")
    }
}
