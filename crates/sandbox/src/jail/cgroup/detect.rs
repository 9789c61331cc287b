//! Which folders of the cgroup trees this process may make groups in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Controller, Leaf, Version};

const ALL: [(Controller, &str); 4] = [
    (Controller::Memory, "memory"),
    (Controller::Processes, "pids"),
    (Controller::Cpu, "cpuacct"),
    (Controller::CpuShare, "cpu"),
];

/// A mounted cgroup tree.
#[derive(Debug, PartialEq, Eq)]
struct Tree {
    version: Version,
    /// v1 only: the controllers of this tree.
    controllers: Vec<String>,
    /// Which folder of the tree is mounted; not `/` in a container.
    root: PathBuf,
    at: PathBuf,
}

pub(super) fn detect() -> Vec<Leaf> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let trees = parse_mounts(&read("/proc/self/mountinfo"));
    let memberships = read("/proc/self/cgroup");
    ALL.iter().filter_map(|(controller, name)| find(*controller, name, &trees, &memberships)).collect()
}

fn find(controller: Controller, name: &str, trees: &[Tree], memberships: &str) -> Option<Leaf> {
    let v1 = trees.iter().find(|tree| tree.controllers.iter().any(|own| own == name));
    if let Some(tree) = v1 {
        let own = own_folder(tree, &membership(memberships, name)?);
        return [own, tree.at.clone()]
            .into_iter()
            .find(|folder| can_hold_groups(folder))
            .map(|folder| Leaf { controller, version: Version::V1, folder });
    }
    let tree = trees.iter().find(|tree| tree.version == Version::V2)?;
    let own = own_folder(tree, &membership(memberships, "")?);
    // `cpu.stat` counts time without any controller being switched on.
    let needed = (controller != Controller::Cpu).then_some(name);
    let folder = delegated(&own, &tree.at)?;
    needed.is_none_or(|name| enable(&folder, name)).then_some(Leaf {
        controller,
        version: Version::V2,
        folder,
    })
}

/// The nearest folder upwards that may have groups below it with controllers: writable, and
/// without processes of its own unless it is the root ("no internal processes").
fn delegated(own: &Path, top: &Path) -> Option<PathBuf> {
    own.ancestors()
        .take_while(|folder| folder.starts_with(top))
        .filter(|folder| enable(folder, "memory") && enable(folder, "pids"))
        .find(|folder| can_hold_groups(folder))
        .map(Path::to_owned)
}

/// Whether a v2 folder hands a controller to its children, switching it on where that is allowed.
fn enable(folder: &Path, controller: &str) -> bool {
    let file = folder.join("cgroup.subtree_control");
    let is_on = || {
        fs::read_to_string(&file).is_ok_and(|content| content.split_whitespace().any(|own| own == controller))
    };
    is_on() || (fs::write(&file, format!("+{controller}")).is_ok() && is_on())
}

/// Tries it, because permission bits do not tell the whole truth in containers.
fn can_hold_groups(folder: &Path) -> bool {
    let trial = folder.join(format!("atelier-trial-{}", std::process::id()));
    let created = fs::create_dir(&trial).is_ok();
    let usable = created && trial.join("cgroup.procs").exists();
    if created {
        let _ = fs::remove_dir(&trial);
    }
    usable
}

fn own_folder(tree: &Tree, membership: &Path) -> PathBuf {
    let below = membership.strip_prefix(&tree.root).or_else(|_| membership.strip_prefix("/"));
    match below {
        Ok(below) if !below.as_os_str().is_empty() => tree.at.join(below),
        _ => tree.at.clone(),
    }
}

/// The path of this process in the tree of a v1 controller, or in the v2 tree (no name).
fn membership(content: &str, controller: &str) -> Option<PathBuf> {
    content.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let names = parts.next()?;
        names.split(',').any(|name| name == controller).then(|| parts.next().map(PathBuf::from))?
    })
}

/// Parses `/proc/self/mountinfo` (proc(5)): the optional fields end with a lone dash.
fn parse_mounts(content: &str) -> Vec<Tree> {
    content
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let left: Vec<&str> = left.split(' ').collect();
            let right: Vec<&str> = right.split(' ').collect();
            let (version, controllers) = match *right.first()? {
                "cgroup" => (Version::V1, right.get(2)?.split(',').map(str::to_owned).collect()),
                "cgroup2" => (Version::V2, Vec::new()),
                _ => return None,
            };
            Some(Tree { version, controllers, root: left.get(3)?.into(), at: left.get(4)?.into() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "31 23 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
                      32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
    const V2_IN_CONTAINER: &str =
        "40 23 0:29 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n";

    #[test]
    fn both_layouts_are_read_from_mountinfo() {
        let v1 = parse_mounts(V1);
        assert_eq!(v1.len(), 2);
        assert!(v1[1].controllers.contains(&"cpuacct".to_owned()));
        let v2 = parse_mounts(V2_IN_CONTAINER);
        assert_eq!((v2[0].version, v2[0].root.as_path()), (Version::V2, Path::new("/docker/abc")));
    }

    #[test]
    fn the_own_folder_is_found_below_the_mount() {
        let memberships = "4:memory:/user/7\n2:cpu,cpuacct:/\n0::/docker/abc/server\n";
        let check = |tree: &Tree, controller, expected| {
            let membership = membership(memberships, controller).expect("a member");
            assert_eq!(own_folder(tree, &membership), Path::new(expected));
        };
        let v1 = parse_mounts(V1);
        check(&v1[0], "memory", "/sys/fs/cgroup/memory/user/7");
        check(&v1[1], "cpuacct", "/sys/fs/cgroup/cpu,cpuacct");
        check(&parse_mounts(V2_IN_CONTAINER)[0], "", "/sys/fs/cgroup/server");
    }
}
