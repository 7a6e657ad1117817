//! `reference-runner --device NAME --cases DIR --write OUT [--section S] [--only TEXT]`: computes reference cases and writes the numbers.
//!
//! The last line it prints is JSON: the device and what became of each case. It does not compare; the package's door does.
//! Exit status 1: a case could not be done; 2: nothing was tried; 3: the device is not there.

use std::path::PathBuf;
use std::process::ExitCode;

use rnnkit_backend_tests::devices;
use rnnkit_backend_tests::runner::{Outcome, Selection, Status, run_folder};
use rnnkit_core::Error;
use serde_json::json;

const USAGE: &str = "usage: reference-runner --device NAME --cases DIR --write OUT [--section SECTION] [--only TEXT]";

#[derive(Default)]
struct Arguments {
    device: Option<String>,
    cases: Option<PathBuf>,
    write: Option<PathBuf>,
    selection: Selection,
}

fn main() -> ExitCode {
    match parse().and_then(run) {
        Ok(all) => {
            if all {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(problem) => {
            eprintln!("reference-runner: {problem}");
            ExitCode::from(if is_unavailable(&*problem) { 3 } else { 2 })
        }
    }
}

fn is_unavailable(problem: &(dyn std::error::Error + 'static)) -> bool {
    matches!(problem.downcast_ref(), Some(Error::DeviceUnavailable { .. }))
}

fn parse() -> Result<Arguments, Box<dyn std::error::Error>> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value; {USAGE}"))?;
        match word.as_str() {
            "--device" => arguments.device = Some(value),
            "--cases" => arguments.cases = Some(value.into()),
            "--write" => arguments.write = Some(value.into()),
            "--section" => arguments.selection.section = Some(value),
            "--only" => arguments.selection.only = Some(value),
            _ => return Err(format!("unknown option {word}; {USAGE}").into()),
        }
    }
    Ok(arguments)
}

/// Whether every case that is this program's was done.
fn run(arguments: Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let device = devices::open(&arguments.device.ok_or(USAGE)?)?;
    println!("device: {}", device.describe);
    let outcomes = run_folder(&device, &arguments.cases.ok_or(USAGE)?, &arguments.write.ok_or(USAGE)?, &arguments.selection)?;
    for outcome in &outcomes {
        if let Status::Failed(problem) = &outcome.status {
            println!("{}: {problem}", outcome.name);
        }
    }
    let cases: Vec<_> = outcomes.iter().map(summary).collect();
    println!("{}", json!({ "device": device.describe, "cases": cases }));
    Ok(!outcomes.iter().any(|outcome| matches!(outcome.status, Status::Failed(_))))
}

fn summary(outcome: &Outcome) -> serde_json::Value {
    let (status, problem) = match &outcome.status {
        Status::Written => ("written", None),
        Status::Elsewhere => ("elsewhere", None),
        Status::Failed(problem) => ("failed", Some(problem.to_string())),
    };
    json!({ "name": outcome.name, "section": outcome.section, "status": status, "problem": problem })
}
