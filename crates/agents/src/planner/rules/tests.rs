//! Goals in plain words and the plans they become.

use super::*;
use crate::planner::plan_offline;

/// One line for each step: id, kind, dependencies, title, code and criteria.
fn shown(plan: &Plan) -> String {
    let mut lines = vec![format!("{} ({:?}, {:?})", plan.title, plan.planner, plan.language)];
    for step in &plan.steps {
        let mut line = format!("{} {:?} [{}] {}", step.id, step.kind, step.depends_on.join(" "), step.title);
        if let (Some(code), Some(language)) = (&step.code, step.language) {
            line.push_str(&format!(" <{}: {}>", language.name(), code.trim().replace('\n', "⏎")));
        }
        for criterion in &step.acceptance {
            let check = criterion.check.as_ref().map(|check| serde_json::to_string(check).unwrap());
            line.push_str(&format!(
                "\n   ? {} {}",
                criterion.text,
                check.unwrap_or_default().replace('"', "")
            ));
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn planned(goal: &str, task_type: TaskType) -> String {
    shown(&plan_offline(goal, task_type).unwrap())
}

/// The kinds of the steps, and the code where there is some.
#[track_caller]
fn check(goal: &str, expected: &str) {
    let plan = plan_offline(goal, TaskType::Auto).unwrap_or_else(|error| panic!("{goal}: {error}"));
    let kinds: Vec<String> = plan
        .steps
        .iter()
        .map(|step| match &step.code {
            Some(code) => format!("{}({})", step.language.unwrap().name(), code.trim()),
            None => format!("{:?}", step.kind).to_lowercase(),
        })
        .collect();
    assert_eq!(kinds.join(" "), expected, "{goal}");
}

#[test]
fn code_written_in_the_goal_is_run() {
    check("run `echo hi`", "shell(echo hi) report");
    check("Run this python: print(2+2)", "python(print(2+2)) report");
    check("execute em python: print(2+2)", "python(print(2+2)) report");
    check("rode `ls -l; pwd` e depois resuma", "shell(ls -l; pwd) report");
    check("Rode em javascript: console.log(1)", "javascript(console.log(1)) report");
    check("run in python `print(1)`, then run `ls`", "python(print(1)) shell(ls) report");
    check("Run this:\n```js\nconsole.log(1); then()\n```", "javascript(console.log(1); then()) report");
    check("Run this python:\n```\nprint(1)\n```\nthen write a summary", "python(print(1)) report");
    check("Rode `ls` e verifique se a saída contém README", "shell(ls) report");
    check("run `ls` and check if README exists", "shell(ls) note report");
    check("python: print(3)", "python(print(3)) report");
    check(
        "run this python:\nfor i in range(2):\n    print(i)\n",
        "python(for i in range(2):\n    print(i)) report",
    );
    check("Execute o comando `date`; peça aprovação; rode `uptime`", "shell(date) gate shell(uptime) report");
}

#[test]
fn code_that_is_not_asked_for_is_not_run() {
    check("don't run `rm -rf out`", "recall note report");
    check("run `make` if the tests pass", "recall note report");
    check("run `make` on Friday, only if it rains", "recall note report");
    check("rode `make` quando eu disser", "recall note report");
    check("explain what `ls` does", "recall note report");
    check("não rode `rm -rf out`", "recall note report");
    check("fix the bug in this:\n```rust\nfn main() {}\n```", "note report");
}

#[test]
fn sums_are_computed() {
    check("compute 2+2", "python(print(2+2)) report");
    check("calcule 17*23", "python(print(17*23)) report");
    check("2+2", "python(print(2+2)) report");
    check("quanto é 15% de 80?", "python(print(15/100*80)) report");
    check("compute 2+2 and then compute 3*3", "python(print(2+2)) python(print(3*3)) report");
}

#[test]
fn kinds_follow_the_words() {
    check("What do we know about the Acme contract?", "recall report");
    check("o que sabemos sobre o contrato da Acme?", "recall report");
    check("summarise the Acme contract", "recall report");
    check("resuma o contrato da Acme", "recall report");
    check("Write a post; ask for approval; publish it", "note gate note report");
    check("escreva um post; peça aprovação; publique", "note gate note report");
    check("Recall the budget, then write a report", "recall report");
    check("write the newsletter, ask for approval before publishing it", "note gate note report");
    check("Deploy the site with my approval; tell the team", "gate note note report");
    check("publique o site com a minha aprovação", "gate note report");
    check("Do not publish without my approval", "gate report");
    check("publique sem precisar de aprovação", "recall note report");
    check("你好世界", "recall note report");
}

#[test]
fn sequences_and_parallel_work() {
    let goal = "Lint the code and test the app in parallel, then deploy it";
    insta::assert_snapshot!(planned(goal, TaskType::Auto), @r#"
    Lint the code (Rules, En)
    s1 Note [] Lint the code
    s2 Note [] Test the app
    s3 Note [s1 s2] Deploy it
    s4 Report [s3] Summarise what was done
    "#);
    let goal = "Baixe os dados; enquanto isso, escreva o roteiro. Depois faça o gráfico.";
    insta::assert_snapshot!(planned(goal, TaskType::Auto), @r#"
    Baixe os dados (Rules, Pt)
    s1 Note [] Baixe os dados
    s2 Note [] Escreva o roteiro
    s3 Note [s1 s2] Faça o gráfico
    s4 Report [s3] Resumir o que foi feito
    "#);
}

#[test]
fn criteria_belong_to_the_step_before() {
    let goal = "Run `mkdir -p out && date > out/now.txt`; make sure that out/now.txt exists; deve existir o arquivo \
                out/now.txt; fix the bug until all tests pass";
    insta::assert_snapshot!(planned(goal, TaskType::Auto), @r#"
    Run `mkdir -p out && date > out/now.txt` (Rules, En)
    s1 Code [] Run `mkdir -p out && date > out/now.txt` <shell: mkdir -p out && date > out/now.txt>
       ? out/now.txt exists {kind:file_exists,path:out/now.txt}
       ? deve existir o arquivo out/now.txt {kind:file_exists,path:out/now.txt}
    s2 Note [s1] Fix the bug
       ? A test fails without the fix and passes with it 
       ? all tests pass 
    s3 Report [s2] Summarise what was done
    "#);
    let goal =
        "Gere o relatório de vendas em out/vendas.csv; garanta que `out/vendas.csv` tem pelo menos 10 linhas";
    insta::assert_snapshot!(planned(goal, TaskType::Data), @r#"
    Gere o relatório de vendas em out/vendas.csv (Rules, Pt)
    s1 Note [] Gere o relatório de vendas em out/vendas.csv
       ? Está feito, e alguém conferiu 
       ? `out/vendas.csv` tem pelo menos 10 linhas {kind:file_count,path:out/vendas.csv,unit:lines,at_least:10}
    s2 Report [s1] Resumir o que foi feito
    "#);
}

#[test]
fn coding_goals_get_their_frame() {
    insta::assert_snapshot!(planned("Create a repo; add CI; write tests", TaskType::Coding), @r#"
    Create a repo (Rules, En)
    s1 Note [] Create a repo
       ? A repository exists with a first commit 
    s2 Note [s1] Add CI
       ? CI runs on every change and passes 
    s3 Note [s2] Write tests
       ? All tests pass 
    s4 Report [s3] Summarise what was done
    "#);
    insta::assert_snapshot!(planned("build a FastAPI app that greets users", TaskType::Auto), @r#"
    Build a FastAPI app that greets users (Rules, En)
    s1 Recall [] Recall what is known: build a FastAPI app that greets users
    s2 Note [s1] Design: build a FastAPI app that greets users
       ? The design names the parts and how they talk 
    s3 Note [s2] Scaffold: build a FastAPI app that greets users
       ? The empty project builds and starts 
    s4 Note [s3] Implement: build a FastAPI app that greets users
       ? It does what the goal asks for 
    s5 Note [s4] Test: build a FastAPI app that greets users
       ? All tests pass 
    s6 Report [s5] Summarise what was done
    "#);
    insta::assert_snapshot!(planned("crie um aplicativo de lista de compras", TaskType::Auto), @r#"
    Crie um aplicativo de lista de compras (Rules, Pt)
    s1 Recall [] Lembrar o que se sabe: crie um aplicativo de lista de compras
    s2 Note [s1] Projetar: crie um aplicativo de lista de compras
       ? O projeto nomeia as partes e como conversam 
    s3 Note [s2] Montar o esqueleto: crie um aplicativo de lista de compras
       ? O projeto vazio compila e inicia 
    s4 Note [s3] Implementar: crie um aplicativo de lista de compras
       ? Faz o que o objetivo pede 
    s5 Note [s4] Testar: crie um aplicativo de lista de compras
       ? Todos os testes passam 
    s6 Report [s5] Resumir o que foi feito
    "#);
}

#[test]
fn other_frames() {
    insta::assert_snapshot!(planned("Write an article about tea", TaskType::Auto), @r#"
    Write an article about tea (Rules, En)
    s1 Recall [] Recall what is known: Write an article about tea
    s2 Note [s1] Outline: Write an article about tea
       ? Every point serves the goal 
    s3 Note [s2] Draft: Write an article about tea
       ? The draft covers the outline 
    s4 Note [s3] Revise: Write an article about tea
       ? No factual or spelling mistakes are left 
    s5 Report [s4] Summarise what was done
    "#);
    insta::assert_snapshot!(planned("pesquise fornecedores de café", TaskType::Research), @r#"
    Pesquise fornecedores de café (Rules, Pt)
    s1 Recall [] Lembrar o que se sabe: pesquise fornecedores de café
    s2 Note [s1] Reunir fontes: pesquise fornecedores de café
       ? Cada afirmação tem uma fonte 
    s3 Note [s2] Comparar: pesquise fornecedores de café
    s4 Note [s3] Concluir: pesquise fornecedores de café
       ? A resposta diz quão segura é 
    s5 Report [s4] Resumir o que foi feito
    "#);
    insta::assert_snapshot!(planned("analise as vendas da planilha", TaskType::Auto), @r#"
    Analise as vendas da planilha (Rules, Pt)
    s1 Recall [] Lembrar o que se sabe: analise as vendas da planilha
    s2 Note [s1] Carregar e olhar: analise as vendas da planilha
       ? O número de linhas é conhecido 
    s3 Note [s2] Limpar: analise as vendas da planilha
       ? O que foi descartado está contado 
    s4 Note [s3] Analisar: analise as vendas da planilha
       ? Os totais batem com a fonte 
    s5 Note [s4] Fazer o gráfico: analise as vendas da planilha
    s6 Report [s5] Resumir o que foi feito
    "#);
}

#[test]
fn a_note_says_that_nothing_was_done() {
    let plan = plan_offline("build a FastAPI app that greets users", TaskType::Auto).unwrap();
    for step in plan.steps.iter().filter(|step| step.kind == StepKind::Note) {
        assert!(step.detail.as_ref().unwrap().starts_with("Not carried out"), "{:?}", step.detail);
        assert_eq!(plan.questions(step).count(), 0);
    }
}
