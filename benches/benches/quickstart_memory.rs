//! The highest resident memory of a quickstart run, its simulator included.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use wheelhouse_benches::{is_quick, peak_resident, report};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = env!("CARGO");
    // To show that it runs, what is built already will do.
    let (profile, folder) = match is_quick() {
        true => ("dev", "debug"),
        false => ("release", "release"),
    };
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--example", "quickstart"])
        .args(["--profile", profile])
        .current_dir(&root)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the quickstart does not build"
    );

    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let data = std::env::temp_dir().join(format!("wheelhouse-bench-{}", std::process::id()));
    let mut run = Command::new(target.join(folder).join("examples/quickstart"))
        .arg("--data-dir")
        .arg(&data)
        .stdout(Stdio::null())
        .spawn()
        .expect("the quickstart starts");
    let mut peak = 0;
    while let Ok(None) = run.try_wait() {
        peak = peak_resident(run.id()).unwrap_or(0).max(peak);
        pause();
    }
    let _ = std::fs::remove_dir_all(&data);
    assert!(
        run.wait().is_ok_and(|status| status.success()),
        "the quickstart failed"
    );
    if peak == 0 {
        println!("this system does not tell a process's peak memory");
    } else {
        report("quickstart: peak memory", peak as f64 / 1e6, 30.0, "MB");
    }
}

#[expect(clippy::disallowed_methods, reason = "it looks now and then")]
fn pause() {
    thread::sleep(Duration::from_millis(2));
}
