//! Writes the scripts that a fuzzer starts from into `FOLDER/TARGET`.

use std::path::Path;
use std::process::ExitCode;

use fuzz::seeds;
use fuzz::target::TARGETS;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("seeds: say into which folder: seeds FOLDER");
        return ExitCode::FAILURE;
    };
    for (name, target) in TARGETS {
        if let Err(error) = write(&Path::new(&folder).join(name), &seeds::of(target)) {
            eprintln!("seeds: writing to {folder}/{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(folder: &Path, scripts: &[Vec<u8>]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, script) in scripts.iter().enumerate() {
        std::fs::write(folder.join(format!("story-{number}.jsonl")), script)?;
    }
    Ok(())
}
