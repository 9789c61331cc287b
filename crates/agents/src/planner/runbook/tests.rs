//! Runbooks and the plans they become.

use super::*;
use crate::plan::StepKind;
use crate::planner::{TaskType, plan_offline};

/// One line for each step: id, kind, dependencies, title, code; detail and criteria below.
fn shown(text: &str) -> String {
    let plan = match plan(text) {
        Ok(plan) => plan,
        Err(error) => return error.to_string(),
    };
    let mut lines = vec![plan.title.clone()];
    for step in &plan.steps {
        let mut line = format!("{} {:?} [{}] {}", step.id, step.kind, step.depends_on.join(" "), step.title);
        if let (Some(code), Some(language)) = (&step.code, step.language) {
            line.push_str(&format!(" <{}: {}>", language.name(), code.trim().replace('\n', "⏎")));
        }
        if let Some(detail) = step.detail.as_ref().filter(|_| step.kind != StepKind::Report) {
            line.push_str(&format!("\n   = {}", detail.replace('\n', "⏎")));
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

#[track_caller]
fn check_kinds(text: &str, expected: &str) {
    let found = plan(text).map(|plan| {
        plan.steps.iter().map(|step| format!("{:?}", step.kind).to_lowercase()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(found.unwrap_or_else(|error| error.to_string()), expected, "{text}");
}

#[test]
fn what_is_a_runbook() {
    for text in [
        "# T\n\n```sh\nls\n```\n",
        "- do it\n- [ ] done\n",
        "1. Write\n2. Ask for approval\n3. Publish\n",
        "# Approval\n\nLook at it.\n",
        "1. Load\n\n   ```py\n   1\n   ```\n",
        "# Publicar\n\nAguarde minha aprovação.\n",
    ] {
        assert!(is_runbook(text), "{text}");
    }
    for text in [
        "Run this:\n```sh\nls\n```\n",
        "# Only a title\n\nand prose\n",
        "- one\n- two\n",
        "plain words",
        "    indented\n",
        "<h1>T</h1>\n",
        "",
    ] {
        assert!(!is_runbook(text), "{text}");
    }
}

#[test]
fn headings_code_checks_and_gates() {
    let text = "\
---
title: Sales
inputs: data/sales.csv
---
# Sales report

What this is for. <b>Not bold</b>

- [ ] `out/report.md` exists

## 1. Load

Reads the file.

```python
print(1)
```

- [ ] the output mentions 1
- [x] `out/a.csv` has at least 3 rows

## Clean

```sh
$ sort a > b
sorted
$ wc -l b
```

Then in another language:

```sql
select 1
```

- [ ] it looks right

## Publish

Ask for approval before publishing. It goes to everyone.

```js
console.log(1)
```

## Report

Say what happened.
";
    insta::assert_snapshot!(shown(text), @r#"
    Sales
    s1 Code [] Load <python: print(1)>
       = Reads the file.
       ? the output mentions 1 {kind:output_contains,text:1}
       ? `out/a.csv` has at least 3 rows {kind:file_count,path:out/a.csv,unit:rows,at_least:3}
    s2 Code [s1] Clean (1/2) <shell: sort a > b⏎wc -l b>
    s3 Note [s2] Clean (2/2)
       = Then in another language:⏎⏎Not run: “sql” is not a language the sandbox runs (python, javascript, shell).⏎⏎```sql⏎select 1⏎```
       ? it looks right 
    s4 Gate [s3] Ask for approval before publishing
    s5 Code [s4] Publish <javascript: console.log(1)>
       = It goes to everyone.
    s6 Report [s5] Report
       ? `out/report.md` exists {kind:file_exists,path:out/report.md}
    "#);
}

#[test]
fn em_portugues() {
    let text = "\
# Horas do mês

Entradas: dados/horas.csv

## Passo 1: Carregar

```python
print(1)
```

- [ ] a saída contém 1
- [ ] o arquivo `out/h.csv` não está vazio
- [ ] os valores parecem razoáveis

## Passo 2: Conferir (depois de Carregar)

1. Leia os números
2. Rode `wc -l out/h.csv`

## Aprovação

Peça aprovação da gerente.

## Relatório final

Resuma.
";
    insta::assert_snapshot!(shown(text), @r#"
    Horas do mês
    s1 Code [] Carregar <python: print(1)>
       ? a saída contém 1 {kind:output_contains,text:1}
       ? o arquivo `out/h.csv` não está vazio {kind:file_not_empty,path:out/h.csv}
       ? os valores parecem razoáveis 
    s2 Note [s1] Conferir › Leia os números
    s3 Code [s2] Conferir › Rode `wc -l out/h.csv` <shell: wc -l out/h.csv>
    s4 Gate [s3] Aprovação
       = Peça aprovação da gerente.
    s5 Report [s4] Relatório final
    "#);
}

#[test]
fn several_blocks_and_nested_steps() {
    let text = "\
# Build

## Prepare

Some words first.

### Fetch

```sh
a
```

```sh
b
```

### Check

- not a step, since there is code

```sh
c
```

## Steps

1. First

   ```py
   1
   ```

   - [ ] prints '1'
   - a detail
2. Second
   - Inner:
     ```py
     2
     ```
   - Other:
     ```py
     3
     ```
3. Third
";
    insta::assert_snapshot!(shown(text), @r#"
    Build
    s1 Note [] Prepare
       = Some words first.
    s2 Code [s1] Prepare › Fetch (1/2) <shell: a>
    s3 Code [s2] Prepare › Fetch (2/2) <shell: b>
    s4 Code [s3] Prepare › Check <shell: c>
       = - not a step, since there is code
    s5 Code [s4] Steps › First <python: 1>
       = - a detail
       ? prints '1' {kind:output_contains,text:1}
    s6 Code [s5] Steps › Second › Inner <python: 2>
    s7 Code [s6] Steps › Second › Other <python: 3>
    s8 Note [s7] Steps › Third
    s9 Report [s8] Report
    "#);
}

#[test]
fn order_by_name_and_in_parallel() {
    let text = "\
# T

## A
```sh
a
```
## B (after A)
```sh
b
```
## C
Depends on: A, Nowhere
```sh
c
```
## D (in parallel)
### D1
```sh
d1
```
### D2
```sh
d2
```
```sh
d3
```
## E
```sh
e
```
## F (after step 1 and D)
```sh
f
```
";
    insta::assert_snapshot!(shown(text), @r#"
    T
    s1 Code [] A <shell: a>
    s2 Code [s1] B <shell: b>
    s3 Code [s1] C <shell: c>
       = There is no step “Nowhere” to wait for.
    s4 Code [s2 s3] D › D1 <shell: d1>
    s5 Code [s2 s3] D › D2 (1/2) <shell: d2>
    s6 Code [s5] D › D2 (2/2) <shell: d3>
    s7 Code [s4 s6] E <shell: e>
    s8 Code [s1 s4 s6] F <shell: f>
    s9 Report [s7 s8] Report
    "#);
}

#[test]
fn gates() {
    check_kinds("# T\n## Publish (requires approval)\n```sh\nx\n```\n", "gate code report");
    check_kinds("# T\n## Publish\n```sh\nx\n```\nThis requires approval.\n", "gate code report");
    check_kinds(
        "# T\n## Publish\n```sh\nx\n```\nAsk for approval before going on.\n## Next\n```sh\ny\n```\n",
        "code gate code report",
    );
    check_kinds(
        "# T\n## Approval\nAsk for approval by the manager.\n## Next\n```sh\ny\n```\n",
        "gate code report",
    );
    check_kinds("# T\n## Run\nNo approval needed.\n```sh\ny\n```\n", "code report");
    check_kinds("# T\n## Rodar\nsem precisar de aprovação\n```sh\ny\n```\n", "code report");
    check_kinds("1. Write it\n2. Wait for my OK\n3. Publish it\n", "note gate note report");
    check_kinds("1. Escreva\n2. Aguarde minha aprovação\n3. Publique\n", "note gate note report");
    check_kinds("# T\n## X\n```sh\ny\n```\n- [ ] Ask for approval before publishing\n", "code gate report");
    check_kinds("# T\n## X\nPlease wait\nfor approval here.\n```sh\ny\n```\n", "gate code report");
    check_kinds("# T\n## X\n> Ask for approval first.\n\n```sh\ny\n```\n", "gate code report");
    check_kinds("# T\n## X\n<!-- ask for approval -->\n```sh\ny\n```\n", "code report");
    check_kinds("# T\n## Approval rates\n```sh\ny\n```\n", "code report");
}

#[test]
fn shapes_of_documents() {
    check_kinds("# Fix\n```sh\nx\n```\n", "code report");
    check_kinds("```sh\nx\n```\n# Then\n", "code note report");
    check_kinds("# T\n## Recall the budget\n## X\n```sh\nx\n```\n", "recall code report");
    check_kinds("# T\n## O que sabemos sobre vendas\n## X\n```sh\nx\n```\n", "recall code report");
    check_kinds("# T\n## Summary\n```sh\nx\n```\n", "code report");
    check_kinds("# T\n## X\n```sh\nx\n```\n## Relatório final\n- vendas\n- custos\n", "code report");
    check_kinds("# Todo\n- [ ] buy milk\n- [ ] call Bob\n", "note report");
    check_kinds("- [ ] run the tests\n  ```sh\n  make test\n  ```\n", "code report");
    check_kinds("# T\n```\nno language\n```\n", "note report");
    check_kinds("# T\n```sh\n\n```\n## A\ntext\n", "note report");
    check_kinds("# T\n## Inputs\n- a.csv\n## X\n```sh\nx\n```\n", "code report");
    check_kinds("# T\n## A\n## B\n- [ ] x.csv exists\n", "note note report");
    check_kinds("- [ ] \n# \n", "The runbook has no steps");
}

#[test]
fn a_check_is_a_step_when_it_holds_code() {
    insta::assert_snapshot!(shown("# T\n- [ ] the tests pass\n  ```sh\n  make test\n  ```\n- [ ] nice\n"), @r#"
    T
    s1 Code [] T › the tests pass <shell: make test>
       ? the tests pass {kind:exit_code,code:0}
       ? nice 
    s2 Report [s1] Report
    "#);
}

#[test]
fn a_circle_is_refused_by_name() {
    let text = "# T\n## A (after B)\n```sh\na\n```\n## B\n```sh\nb\n```\n";
    assert_eq!(
        shown(text),
        "The plan is not valid: step s1: its dependencies go round in a circle: s1 → s2 → s1"
    );
}

#[test]
fn too_many_steps_or_checks_are_refused() {
    let steps = format!("# T\n{}", "## S\n```sh\nx\n```\n".repeat(300));
    assert!(shown(&steps).contains("the limit is 200"), "{}", shown(&steps));
    let checks = format!("# T\n```sh\nx\n```\n{}", "- [ ] x.csv exists\n".repeat(300));
    assert!(shown(&checks).contains("step s1: it has 101 acceptance criteria"), "{}", shown(&checks));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "---\ntitle: X\n---\n# T\n\n## A\n\n```sh\na\nb\n```\n\n- [ ] x.csv exists\n";
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(shown(text), shown(&windows));
}

#[test]
fn plan_offline_reads_runbooks_as_such() {
    let plan = plan_offline("# T\n## A\n```sh\na\n```\n", TaskType::Coding).unwrap();
    assert_eq!(plan.planner, crate::PlannerKind::Runbook);
}

#[test]
fn the_plan_has_the_timeout_of_the_front_matter() {
    let book = |line: &str| plan(&format!("---\n{line}\n---\n# T\n\n```sh\na\n```\n"));
    assert_eq!(book("timeout: 90s").unwrap().timeout_ms, Some(90_000));
    assert_eq!(book("tempo: 2 minutos").unwrap().timeout_ms, Some(120_000));
    assert_eq!(book("timeout:").unwrap().timeout_ms, None);
    let refused = book("timeout: 2 days").unwrap_err().to_string();
    assert_eq!(refused, "The runbook's timeout “2 days” is not a time from 100 ms to 24 hours");
}
