//! What `atelier doctor` says about this machine, as far as the jail is concerned.

use std::{fs, path::Path, time::Duration};

use super::{Jail, cgroup::Controller, launcher::landlock_abi, supervise};
use crate::{Finding, Language, Limits, Outcome, Request};

pub(super) fn probe(jail: &Jail) -> Vec<Finding> {
    let mut findings = vec![kernel(), user_namespaces(jail), seccomp(), landlock()];
    findings.extend([
        cgroup(jail, Controller::Memory, "memory limit", WITHOUT_MEMORY),
        cgroup(jail, Controller::Processes, "process limit", WITHOUT_PROCESSES),
        cgroup(jail, Controller::Cpu, "processor time", WITHOUT_CPU),
        cgroup(jail, Controller::CpuShare, "processor share", WITHOUT_CPU_SHARE),
    ]);
    findings.extend(Language::ALL.map(|language| interpreter(jail, language)));
    findings.push(trial(jail));
    findings
}

const WITHOUT_MEMORY: &str = "Memory is counted every 10 ms and limited for each process; \
     for an exact limit start Atelier as a systemd service with Delegate=yes";
const WITHOUT_PROCESSES: &str = "Processes are limited by RLIMIT_NPROC, which holds as well; \
     for the cgroup's limit start Atelier as a systemd service with Delegate=yes";
const WITHOUT_CPU: &str = "Processor time is counted every 50 ms by reading /proc; \
     for exact times start Atelier as a systemd service with Delegate=yes";

const WITHOUT_CPU_SHARE: &str = "A session may use all processors; \
     for a limit start Atelier as a systemd service with Delegate=yes";

/// Older ones count RLIMIT_NPROC over all processes of a user, and lack parts of the mount calls.
const OLDEST: (u32, u32) = (5, 14);

fn kernel() -> Finding {
    let name = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.trim().split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= OLDEST {
        Finding::ok(name, format!("Linux {}", release.trim()))
    } else {
        Finding::missing(
            name,
            format!("Linux {}", release.trim()),
            "The jail needs Linux 5.14 or newer; choose another driver with the setting `sandbox.driver`",
        )
    }
}

fn user_namespaces(jail: &Jail) -> Finding {
    let name = "user namespaces";
    let setting = |path: &str| fs::read_to_string(path).ok().map(|content| content.trim().to_owned());
    let allow = |what: &str| format!("As root: {what}; or choose another driver with `sandbox.driver`");
    if !Path::new("/proc/self/ns/user").exists() {
        return Finding::missing(name, "not in this kernel", allow("use a kernel with CONFIG_USER_NS"));
    }
    if setting("/proc/sys/user/max_user_namespaces").as_deref() == Some("0") {
        let advice = allow("sysctl -w user.max_user_namespaces=10000");
        return Finding::missing(name, "switched off", advice);
    }
    if let Some(id) = jail.host_id {
        return Finding::ok(name, format!("started by root; programs run as user {id} of this machine"));
    }
    if setting("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        return Finding::missing(
            name,
            "for root only",
            allow("sysctl -w kernel.unprivileged_userns_clone=1"),
        );
    }
    if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        let advice =
            allow("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give Atelier a profile");
        return Finding::degraded(name, "restricted by AppArmor; the trial run decides", advice);
    }
    Finding::ok(name, "programs run as your own user, without any rights of their own")
}

fn seccomp() -> Finding {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let architecture = std::env::consts::ARCH;
    if status.contains("Seccomp:") && ["x86_64", "aarch64"].contains(&architecture) {
        Finding::ok("seccomp", format!("filters for {architecture}"))
    } else {
        let advice = "Use a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64";
        Finding::missing("seccomp", format!("no filters for {architecture} here"), advice)
    }
}

fn landlock() -> Finding {
    match landlock_abi() {
        0 => Finding::degraded(
            "Landlock",
            "not in this kernel, or not switched on",
            "It is a second wall behind the mounts; boot with lsm=landlock,… to have it",
        ),
        version @ 1..=5 => Finding::degraded(
            "Landlock",
            format!("version {version}, without scopes for signals and sockets"),
            "Version 6 came with Linux 6.12; the namespaces do the same work",
        ),
        version => Finding::ok("Landlock", format!("version {version}")),
    }
}

fn cgroup(jail: &Jail, controller: Controller, name: &'static str, without: &str) -> Finding {
    match jail.cgroups.leaf(controller) {
        Some(leaf) => Finding::ok(
            name,
            format!("cgroup {:?} in {}", leaf.version, leaf.folder.display()).replace("V", "v"),
        ),
        None => Finding::degraded(name, jail.cgroups.reason.as_deref().unwrap_or("no cgroup"), without),
    }
}

fn interpreter(jail: &Jail, language: Language) -> Finding {
    let name = match language {
        Language::Python => "Python",
        Language::JavaScript => "Node",
        Language::Shell => "shell",
    };
    match jail.options.toolchain.interpreter(language) {
        Ok(interpreter) => Finding::ok(name, interpreter.program.display().to_string()),
        Err(_) => Finding::degraded(name, "not found", language.how_to_install()),
    }
}

/// The proof: a command really run.
fn trial(jail: &Jail) -> Finding {
    let name = "jail";
    let workspace =
        Path::new("/tmp").join(format!("atelier-trial-{}-{}", std::process::id(), jail.next_run()));
    if let Err(error) = fs::create_dir(&workspace) {
        return Finding::degraded(name, format!("not tried: {error}"), "Make the temporary folder writable");
    }
    let request = Request {
        workspace: workspace.clone(),
        argv: vec!["true".into()],
        limits: Limits { wall: Duration::from_secs(5), ..Limits::default() },
        ..Request::default()
    };
    let outcome = supervise::check(jail, &request);
    let _ = fs::remove_dir_all(&workspace);
    match outcome {
        Ok(Outcome::Exited(0)) => Finding::ok(name, "a command was run confined"),
        Ok(outcome) => Finding::missing(name, format!("a trial run ended with {outcome:?}"), ELSEWHERE),
        Err(error) => {
            let error = kernel::Error::from(error);
            Finding::missing(name, error.message, error.hint.unwrap_or_else(|| ELSEWHERE.to_owned()))
        }
    }
}

const ELSEWHERE: &str = "Choose another driver with the setting `sandbox.driver`";
