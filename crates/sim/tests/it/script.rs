use wheelhouse_sim::{Script, Sim, SimError};

use crate::rig::Rig;

/// The JSON block of the README.
fn documented() -> &'static str {
    let readme = include_str!("../../README.md");
    let start = readme.find("```json\n").unwrap() + 8;
    &readme[start..start + readme[start..].find("```").unwrap()]
}

#[tokio::test]
async fn the_documented_script_is_valid_and_is_played() {
    let script = Script::from_json(documented()).unwrap();
    let rig = Rig::of(Sim::builder().script(script)).await;
    assert_eq!(
        rig.broker().quote("EURUSD").unwrap().0.to_string(),
        "1.10000"
    );
    let start = rig.sim.now();
    assert_eq!(rig.get("/trade/config").await.status, 200);
    assert!(rig.sim.now() - start >= std::time::Duration::from_millis(250));
}

#[test]
fn every_fault_of_the_readme_s_table_is_read() {
    let table = include_str!("../../README.md");
    let faults: Vec<&str> = table
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")
                .filter(|rest| rest.starts_with(['"', '{']))
        })
        .map(|line| line.split_once("` |").unwrap().0)
        .collect();
    assert_eq!(faults.len(), 21);
    for fault in faults {
        let text = format!("{{\"tradelocker\": {{\"faults\": [{{\"fault\": {fault}}}]}}}}");
        let script = Script::from_json(&text).unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(script.tradelocker.faults.len(), 1);
    }
}

#[test]
fn a_script_file_that_is_missing_or_wrong_is_named() {
    let error = Script::from_file("/nowhere/script.json").unwrap_err();
    assert!(matches!(error, SimError::ScriptFile { .. }));
    assert!(
        error.to_string().contains("/nowhere/script.json"),
        "{error}"
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.json");
    std::fs::write(&path, "{\n  \"robinhoood\": 1\n}").unwrap();
    let error = Script::from_file(&path).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, SimError::Script { line: 2, .. }), "{text}");
    assert!(
        text.contains("robinhoood") && text.contains("tradelocker"),
        "{text}"
    );
}
