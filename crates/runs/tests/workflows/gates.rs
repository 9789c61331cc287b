//! Gates: a person is asked, and exactly what was approved is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::{join, join_all};
use kernel::Actor;
use runs::{Decision, Error, Failure, Status, Verdict};
use serde_json::json;

use crate::fixture::{Fixture, Flow, code, decision, flow, give, question, result};

fn asking() -> Flow {
    flow(|context, _| async move {
        let proposal = json!({ "send": "the report", "to": ["ana"] });
        let approval = context.gate(question("send it", proposal.clone())).await?;
        match approval.verdict {
            Verdict::Approve => {
                assert!(approval.covers(&proposal) && !approval.covers(&json!({ "send": "something else" })));
                give(&context, "send", json!(approval.feedback)).await
            }
            Verdict::Skip => Ok(json!("skipped")),
            Verdict::Reject => Err(Failure::new("rejected", "The person said no")),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_at_its_gate_without_a_worker_and_goes_on_when_it_is_answered() {
    let fixture = Fixture::new([asking()]).await;
    for (verdict, status) in [
        (Verdict::Approve, Status::Completed),
        (Verdict::Skip, Status::Completed),
        (Verdict::Reject, Status::Failed),
    ] {
        let run_id = fixture.submit(json!(null)).await;
        let state = fixture.reached(&run_id, Status::WaitingApproval).await;
        assert_eq!(state.open_gates().count(), 1);
        tokio::time::sleep(std::time::Duration::from_secs(60 * 60 * 24)).await;
        assert_eq!(fixture.engine.active_runs(), 0);
        let row = fixture.store.rows().pop().unwrap();
        assert_eq!((row.status, row.waiting_gates), (Status::WaitingApproval, 1));
        let feedback = Some("with care".to_owned());
        fixture.engine.decide(&run_id, Decision { feedback, ..decision(verdict) }).await.unwrap();
        let state = fixture.ended(&run_id).await;
        assert_eq!(state.status, status);
        match verdict {
            Verdict::Approve => assert_eq!(*result(&state), json!("with care")),
            Verdict::Skip => assert_eq!(*result(&state), json!("skipped")),
            Verdict::Reject => assert_eq!(code(&state), "rejected"),
        }
        assert_eq!(fixture.store.rows().pop().unwrap().waiting_gates, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_something_else_is_refused() {
    let fixture = Fixture::new([asking()]).await;
    let run_id = fixture.submit(json!(null)).await;
    let state = fixture.reached(&run_id, Status::WaitingApproval).await;
    let digest = state.open_gates().next().unwrap().digest.clone();
    assert_eq!(
        digest,
        runs::context::digest(&json!({ "to": ["ana"], "send": "the report" })),
        "keys have no order"
    );
    let wrong = Decision { digest: Some("0".repeat(64)), ..decision(Verdict::Approve) };
    let error = fixture.engine.decide(&run_id, wrong).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    let unknown = Decision { gate: Some("another".into()), ..decision(Verdict::Approve) };
    let error = fixture.engine.decide(&run_id, unknown).await.unwrap_err();
    assert!(matches!(error, Error::GateNotFound { .. }), "{error:?}");
    fixture
        .engine
        .decide(&run_id, Decision { digest: Some(digest), ..decision(Verdict::Approve) })
        .await
        .unwrap();
    fixture.ended(&run_id).await;
    let error = fixture.answer(&run_id, Verdict::Approve).await.unwrap_err();
    assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn of_many_answers_at_once_one_counts() {
    let fixture = Fixture::new([asking()]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    let verdicts = [Verdict::Reject, Verdict::Approve, Verdict::Skip, Verdict::Approve, Verdict::Reject];
    let results = join_all(verdicts.map(|verdict| fixture.answer(&run_id, verdict))).await;
    let accepted: Vec<_> = (0..5).filter(|index| results[*index].is_ok()).collect();
    assert_eq!(accepted.len(), 1, "{results:?}");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, Error::GateDecided { .. } | Error::WrongState { .. }), "{error:?}");
    }
    let state = fixture.ended(&run_id).await;
    assert_eq!(fixture.count(&run_id, "gate_decided"), 1);
    assert_eq!(state.status == Status::Failed, verdicts[accepted[0]] == Verdict::Reject);
}

#[tokio::test(start_paused = true)]
async fn who_answered_is_kept() {
    let fixture = Fixture::new([asking()]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    let actor = Actor::Token("tok_1".into());
    fixture.engine.decide(&run_id, Decision { actor, ..decision(Verdict::Skip) }).await.unwrap();
    fixture.ended(&run_id).await;
    let events = fixture.events(&run_id);
    let decided = events.iter().find(|record| record.event().kind() == "gate_decided").unwrap();
    assert!(decided.payload_json().contains(r#""actor":"token:tok_1""#), "{}", decided.payload_json());
}

/// A proposal that changes between two replays.
#[tokio::test(start_paused = true)]
async fn a_person_is_asked_anew_when_the_proposal_has_changed() {
    let drafts = Arc::new(AtomicU32::new(1));
    let draft = drafts.clone();
    let work = flow(move |context, _| {
        let draft = draft.clone();
        async move {
            let proposal = json!({ "draft": draft.load(Ordering::SeqCst) });
            let approval = context.gate(question("publish", proposal.clone())).await?;
            assert!(approval.covers(&proposal), "what was not approved is never done");
            Ok(proposal)
        }
    });
    let fixture = Fixture::new([work]).await;
    let run_id = fixture.submit(json!(null)).await;
    let old =
        fixture.reached(&run_id, Status::WaitingApproval).await.open_gates().next().unwrap().digest.clone();
    drafts.store(2, Ordering::SeqCst);
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    let state = fixture.until(&run_id, |state| state.open_gates().any(|gate| gate.digest != old)).await;
    assert_eq!(state.open_gates().next().unwrap().proposal, json!({ "draft": 2 }));
    let stale = Decision { digest: Some(old), ..decision(Verdict::Approve) };
    let error = fixture.engine.decide(&run_id, stale).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!({ "draft": 2 }));
    assert_eq!(fixture.count(&run_id, "gate_opened"), 2);
}

#[tokio::test(start_paused = true)]
async fn branches_go_on_while_one_waits_at_a_gate() {
    let work = flow(|context, _| async move {
        let asking = async {
            let approval = context.gate(question("a", json!(1))).await?;
            Ok::<_, Failure>(json!(approval.verdict))
        };
        let working = async {
            context
                .step("slow", runs::StepOptions::default(), async |_| {
                    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                    Ok(())
                })
                .await?;
            let approval = context.gate(question("b", json!(2))).await?;
            Ok::<_, Failure>(json!(approval.verdict))
        };
        let (a, b) = join(asking, working).await;
        Ok(json!([a?, b?]))
    });
    let fixture = Fixture::new([work]).await;
    let run_id = fixture.submit(json!(null)).await;
    let state = fixture.until(&run_id, |state| state.open_gates().count() == 2).await;
    assert_eq!(state.open_gates().map(|gate| gate.gate.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let error = fixture.answer(&run_id, Verdict::Approve).await.unwrap_err();
    assert!(matches!(error, Error::GateAmbiguous { open: 2, .. }), "{error:?}");
    let named = |gate: &str, verdict| Decision { gate: Some(gate.into()), ..decision(verdict) };
    fixture.engine.decide(&run_id, named("b", Verdict::Skip)).await.unwrap();
    let error = fixture.engine.decide(&run_id, named("b", Verdict::Approve)).await.unwrap_err();
    assert!(matches!(error, Error::GateDecided { .. }), "{error:?}");
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!(["approve", "skip"]));
    assert_eq!(fixture.count(&run_id, "gate_opened"), 2);
}
