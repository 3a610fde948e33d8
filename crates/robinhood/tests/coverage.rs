//! The list of samples, `tests/data/COVERAGE.txt`, says which test reads which sample. It is held to
//! its word here: each of the 195 is on it, each test exists and names the sample in its own text,
//! and what is left to the simulator is on the simulator's list.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first two words of each line of a list.
fn list(path: &Path) -> BTreeMap<String, String> {
    let text = read(path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut rows = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let (Some(sample), Some(by)) = (words.next(), words.next()) else {
            panic!("{line:?} is no sample with its test");
        };
        let sample = sample.trim_end_matches(".json").to_owned();
        let before = rows.insert(sample, by.to_owned());
        assert_eq!(before, None, "{line}: listed twice");
    }
    rows
}

/// The text of a test: a function under `#[test]`, or an entry of the `decodes!` macro.
fn test<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let entry = source.find(&format!("\n    {name}: ")).map(|at| at + 1);
    if let Some(at) = entry {
        let end = source[at..].find("];")?;
        return Some(&source[at..at + end]);
    }
    let at = source.find(&format!("fn {name}()"))?;
    let line = source[..at].rfind('\n')? + 1;
    let indent = source[line..].len() - source[line..].trim_start().len();
    let end = source[at..].find(&format!("\n{}}}", " ".repeat(indent)))?;
    let attributes = &source[source[..line].rfind("\n\n").unwrap_or(0)..line];
    let is_test = ["#[test]", "#[tokio::test"]
        .iter()
        .any(|it| attributes.contains(it));
    is_test.then(|| &source[at..at + end])
}

#[test]
fn every_sample_is_read_by_the_test_that_the_list_names() {
    let coverage = list(&here("tests/data/COVERAGE.txt"));
    let simulator = list(&here("../sim/tests/data/robinhood/SAMPLES.txt"));
    let manifest: Value = serde_json::from_str(&read(&here("tests/data/manifest.json"))).unwrap();
    let files: BTreeSet<&str> = manifest["fixtures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["file"].as_str().unwrap().trim_end_matches(".json"))
        .collect();
    assert_eq!(files.len(), 195);
    assert_eq!(files, coverage.keys().map(String::as_str).collect());
    assert_eq!(files, simulator.keys().map(String::as_str).collect());

    let mut sources = BTreeMap::new();
    let mut faults = Vec::new();
    for (sample, by) in &coverage {
        let Some((file, name)) = by.split_once("::") else {
            let spoken = simulator[sample] != "no";
            if (by == "simulator") != spoken || !(spoken || by == "none") {
                faults.push(format!(
                    "{sample}: {by}, the simulator: {}",
                    simulator[sample]
                ));
            }
            continue;
        };
        let source = sources.entry(file).or_insert_with(|| read(&here(file)));
        match test(source, name) {
            None => faults.push(format!("{sample}: {file} has no test {name}")),
            Some(text) => {
                let named = [format!("\"{sample}\""), format!("{sample}.json\"")];
                if !named.iter().any(|named| text.contains(named.as_str())) {
                    faults.push(format!("{sample}: {name} does not read it"));
                }
            }
        }
        if !here(&format!("tests/data/{sample}.json")).is_file() {
            faults.push(format!("{sample}: its file is missing"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // What is read by nobody is the stream, which neither side speaks.
    let nobody: Vec<_> = coverage.iter().filter(|(_, by)| *by == "none").collect();
    assert_eq!(nobody.len(), 1, "{nobody:?}");
    assert_eq!(nobody[0].0, "dxlink_conversation");
}

#[test]
fn both_sides_are_held_to_the_same_samples() {
    let theirs = here("../sim/tests/data/robinhood");
    let mut compared = 0;
    for entry in fs::read_dir(here("tests/data")).unwrap() {
        let path = entry.unwrap().path();
        let twin = theirs.join(path.file_name().unwrap());
        if path.extension().is_some_and(|it| it == "json") && twin.is_file() {
            let [ours, theirs]: [Value; 2] =
                [&path, &twin].map(|path| serde_json::from_str(&read(path)).unwrap());
            assert_eq!(ours, theirs, "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared}");
}

#[test]
fn a_test_is_found_only_where_it_stands() {
    let source = "decodes! {\n    rows_are_decoded: Page<'_, Row> =>\n        [\"a\", \"b\"];\n    \
                  others: Row => [\"c\"];\n}\n\nfn helper() {\n    sample(\"d\");\n}\n\n#[test]\n\
                  fn reads() {\n    if true {\n        sample(\"e\");\n    }\n}\n\nfn sample() {}\n";
    assert!(test(source, "rows_are_decoded").unwrap().contains("\"b\""));
    assert!(!test(source, "rows_are_decoded").unwrap().contains("\"c\""));
    assert!(test(source, "reads").unwrap().contains("\"e\""));
    assert_eq!(test(source, "helper"), None);
    assert_eq!(test(source, "missing"), None);
}
