//! Texts of criteria and the checks they become.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let language = super::super::words::language_of(text);
    let found: Vec<String> = criteria(text, language)
        .iter()
        .map(|criterion| match &criterion.check {
            Some(check) => serde_json::to_string(check).unwrap(),
            None => "person".to_owned(),
        })
        .collect();
    assert_eq!(found.join(" + ").replace('"', ""), expected, "{text}");
}

#[test]
fn files() {
    let exists = "{kind:file_exists,path:out/summary.csv}";
    check("`out/summary.csv` exists", exists);
    check("out/summary.csv exists.", exists);
    check("The file out/summary.csv was created", exists);
    check("O arquivo `out/summary.csv` existe", exists);
    check("deve existir o arquivo out/summary.csv", exists);
    check("out/summary.csv foi gerado", exists);
    check("`/workspace/out/summary.csv` exists", exists);
    check("file Makefile exists", "{kind:file_exists,path:Makefile}");
    check("`Makefile` exists", "{kind:file_exists,path:Makefile}");
    check("a.csv and b.csv exist", "{kind:file_exists,path:a.csv} + {kind:file_exists,path:b.csv}");
    check(
        "`a.csv`, `b.csv` e `c.csv` existem",
        "{kind:file_exists,path:a.csv} + {kind:file_exists,path:b.csv} + {kind:file_exists,path:c.csv}",
    );
    check("tmp/x.log does not exist", "{kind:file_absent,path:tmp/x.log}");
    check("`tmp/x.log` não existe", "{kind:file_absent,path:tmp/x.log}");
    check("file notes.txt is not empty", "{kind:file_not_empty,path:notes.txt}");
    check("notes.txt isn't empty", "{kind:file_not_empty,path:notes.txt}");
    check("o arquivo notas.txt não está vazio", "{kind:file_not_empty,path:notas.txt}");
    check("the folder `out` exists", "{kind:command,language:shell,code:test -d 'out'}");
    check("a pasta `saida` existe", "{kind:command,language:shell,code:test -d 'saida'}");
}

#[test]
fn contents() {
    check("report.md contains 'Total'", "{kind:file_contains,path:report.md,text:Total}");
    check("report.md mentions Total", "{kind:file_contains,path:report.md,text:Total}");
    check("`relatorio.md` contém \"Total geral\"", "{kind:file_contains,path:relatorio.md,text:Total geral}");
    check("`report.md` does not contain “NaN”", "{kind:file_lacks,path:report.md,text:NaN}");
    check("`relatorio.md` não contém `NaN`", "{kind:file_lacks,path:relatorio.md,text:NaN}");
    check(
        "`r.md` contains 'North' and 'South'",
        "{kind:file_contains,path:r.md,text:North} + {kind:file_contains,path:r.md,text:South}",
    );
    check(
        "`x.csv` exists and has at least 3 rows",
        "{kind:file_exists,path:x.csv} + {kind:file_count,path:x.csv,unit:rows,at_least:3}",
    );
    check(
        "`x.json` is valid JSON",
        "{kind:command,language:python,code:import json\\njson.load(open(\\x.json\\, encoding=\\utf-8\\))}",
    );
    check(
        "`x.svg` é um SVG válido",
        "{kind:command,language:python,code:import xml.etree.ElementTree as tree\\ntree.parse(\\x.svg\\)}",
    );
}

#[test]
fn counts() {
    check("`x.csv` has 12 rows", "{kind:file_count,path:x.csv,unit:rows,at_least:12,at_most:12}");
    check("x.csv has at least 3 lines", "{kind:file_count,path:x.csv,unit:lines,at_least:3}");
    check("`x.csv` has 3 columns", "{kind:file_count,path:x.csv,unit:columns,at_least:3,at_most:3}");
    check("`x.csv` has more than 1,200 rows", "{kind:file_count,path:x.csv,unit:rows,at_least:1201}");
    check("`x.csv` has three or more columns", "{kind:file_count,path:x.csv,unit:columns,at_least:3}");
    check("`x.csv` tem 12 linhas", "{kind:file_count,path:x.csv,unit:lines,at_least:12,at_most:12}");
    check("`x.csv` tem pelo menos 10 linhas de dados", "{kind:file_count,path:x.csv,unit:rows,at_least:10}");
    check("`x.csv` possui no máximo 5 colunas", "{kind:file_count,path:x.csv,unit:columns,at_most:5}");
    check("`x.csv` tem duas colunas", "{kind:file_count,path:x.csv,unit:columns,at_least:2,at_most:2}");
    check(
        "`x.csv` tem 4 colunas e mais de 7 registros",
        "{kind:file_count,path:x.csv,unit:columns,at_least:4,at_most:4} + {kind:file_count,path:x.csv,unit:rows,at_least:8}",
    );
    check("`x.csv` has less than 0 rows", "person");
}

#[test]
fn output_and_exit() {
    check("the output mentions 42", "{kind:output_contains,text:42}");
    check("prints 'ok'", "{kind:output_contains,text:ok}");
    check("it prints \"all done\"", "{kind:output_contains,text:all done}");
    check("a saída contém 42", "{kind:output_contains,text:42}");
    check("imprime `pronto`", "{kind:output_contains,text:pronto}");
    check("the output does not contain 'error'", "{kind:output_lacks,text:error}");
    check("a saída não menciona \"erro\"", "{kind:output_lacks,text:erro}");
    check("the output is 42", "{kind:output_equals,text:42}");
    check("a saída é 42", "{kind:output_equals,text:42}");
    check("exits with 0", "{kind:exit_code,code:0}");
    check("The exit code is 3", "{kind:exit_code,code:3}");
    check("termina com código 0", "{kind:exit_code,code:0}");
    check("o script roda sem erros", "{kind:exit_code,code:0}");
    check("the script runs without errors", "{kind:exit_code,code:0}");
    check("exits with 300", "person");
}

#[test]
fn commands() {
    check("run `test -s out/a.csv`", "{kind:command,language:shell,code:test -s out/a.csv}");
    check("rode `make test`", "{kind:command,language:shell,code:make test}");
    check("`$ make test`", "{kind:command,language:shell,code:make test}");
    check("`make test` passes", "{kind:command,language:shell,code:make test}");
    check("`make test` passa", "{kind:command,language:shell,code:make test}");
    check("`make test` exits with 0", "{kind:command,language:shell,code:make test}");
    check("$ ls out", "{kind:command,language:shell,code:ls out}");
    check("`./tool` exits with 2", "{kind:command,language:shell,code:(\\n./tool\\n)\\ntest $? -eq 2}");
    check("run `./tool` prints 'it''", "person");
    check(
        "`cat x` prints 'ok'",
        "{kind:command,language:shell,code:seen=$(\\ncat x\\n) && printf '%s\\\\n' \\$seen\\ | grep -F -q -e 'ok'}",
    );
}

#[test]
fn what_is_not_wholly_understood_is_for_a_person() {
    for text in [
        "The chart looks good",
        "`report.md` exists and is pleasant to read",
        "`report.md` is short",
        "The numbers add up",
        "O gráfico está bonito",
        "`relatorio.md` está claro para a diretoria",
        "report.md contains everything",
        "`out/*.csv` exists",
        "`/etc/passwd` exists",
        "../secret.txt exists",
        "tests pass",
        "it works",
        "run `make` by hand and look at the colours",
        "`a.csv` or `b.csv` exists",
        "the output mentions errors",
        "42",
        "exists",
        "`",
        "🙂",
    ] {
        check(text, "person");
    }
    check("", "");
}
