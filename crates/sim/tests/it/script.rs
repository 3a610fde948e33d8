use wheelhouse_sim::{Script, Sim, SimError};

use crate::rig::Rig;

const README: &str = include_str!("../../README.md");

/// A JSON block of the README.
fn documented(nth: usize) -> &'static str {
    let block = README.split("```json\n").nth(nth + 1).unwrap();
    &block[..block.find("```").unwrap()]
}

/// The JSON in the tables after a line of the README that begins so.
fn tabled(after: &str) -> Vec<&'static str> {
    let start = README.find(after).unwrap();
    let lines = README[start..]
        .lines()
        .skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('`').nth(1))
        .collect()
}

#[tokio::test]
async fn the_documented_script_is_valid_and_is_played() {
    let script = Script::from_json(documented(0)).unwrap();
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
    let faults = tabled("| fault | the broker acts");
    assert_eq!(faults.len(), 22);
    for fault in faults {
        let text = format!("{{\"tradelocker\": {{\"faults\": [{{\"fault\": {fault}}}]}}}}");
        let script = Script::from_json(&text).unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(script.tradelocker.faults.len(), 1);
    }
}

#[test]
fn what_the_readme_says_of_robinhood_s_scripts_is_read() {
    let script = Script::from_json(documented(1)).unwrap().robinhood;
    assert_eq!((script.prices.len(), script.moves.len()), (1, 3));
    let mut entries = tabled("What clients of Robinhood meet");
    // Some rows are the entry before with a word changed.
    entries.retain(|entry| entry.starts_with('{'));
    assert_eq!(entries.len(), 7);
    for entry in entries {
        let text = format!("{{\"robinhood\": {{\"faults\": [{entry}]}}}}");
        let script = Script::from_json(&text).unwrap_or_else(|error| panic!("{entry}: {error}"));
        assert_eq!(script.robinhood.faults.len(), 1);
    }
    let settings = tabled("| setting | answers");
    assert_eq!(settings.len(), 8);
    for setting in settings {
        let text = format!("{{\"robinhood\": {{\"settings\": {{{setting}}}}}}}");
        let script = Script::from_json(&text).unwrap_or_else(|error| panic!("{setting}: {error}"));
        assert_ne!(script.robinhood, Default::default());
    }
}

#[test]
fn the_script_of_the_guide_to_testing_is_read() {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/testing.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let block = guide.split("```json\n").nth(1).unwrap();
    let script = Script::from_json(&block[..block.find("```").unwrap()]).unwrap();
    let script = script.robinhood;
    assert_eq!((script.faults.len(), script.moves.len()), (2, 1));
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
