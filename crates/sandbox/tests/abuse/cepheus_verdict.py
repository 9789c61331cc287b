"""Cepheus's own judgement of what its enumerator and its checks found in a jail.

`cepheus_verdict.py techniques POSTURE` prints the techniques it takes for possible there, with the commands
that confirm them; `cepheus_verdict.py verdict POSTURE EXIT_CODES` prints which of them it confirms.
"""

import json
import sys

from cepheus.engine.analyzer import analyze
from cepheus.engine.confirmation import apply_confirmation
from cepheus.engine.technique_db import get_all_techniques
from cepheus.engine.verifier import TechniqueVerification, VerificationReport, VerifyOutcome, _classify
from cepheus.models.posture import ContainerPosture


def matched(result):
    steps = [step.technique for chain in result.chains for step in chain.steps if step.technique]
    return {technique.id: technique for technique in steps}


def verification(technique, code):
    outcome = VerifyOutcome.NO_VERIFIER if code is None else _classify(-1 if code in (124, 137) else code)
    return TechniqueVerification(technique.id, technique.name, technique.severity.value, outcome, code)


with open(sys.argv[2], encoding="utf-8") as file:
    result = analyze(ContainerPosture.model_validate(json.load(file)))
techniques = matched(result)
if sys.argv[1] == "techniques":
    commands = {name: technique.verify_command for name, technique in techniques.items()}
    print(json.dumps({"all": len(get_all_techniques()), "commands": commands}))
else:
    with open(sys.argv[3], encoding="utf-8") as file:
        codes = json.load(file)
    report = VerificationReport([verification(t, codes.get(name)) for name, t in techniques.items()])
    apply_confirmation(result, report)
    by_status = {}
    for chain in result.chains:
        ids = [step.technique.id for step in chain.steps if step.technique]
        by_status.setdefault(chain.confirmation.value, []).append("+".join(ids))
    print(json.dumps(by_status))
