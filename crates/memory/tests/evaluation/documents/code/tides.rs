//! When the sea is right for swimming: heights of the tide from constituents, and the windows in
//! which guides may take guests into the water.

/// A constituent of the tide at one harbour.
pub struct Constituent {
    /// Degrees an hour.
    pub speed: f64,
    /// Metres.
    pub amplitude: f64,
    /// Degrees at the epoch.
    pub phase: f64,
}

/// Metres above chart datum, `hours` after the epoch.
pub fn height(mean: f64, constituents: &[Constituent], hours: f64) -> f64 {
    let part = |it: &Constituent| it.amplitude * (it.speed * hours - it.phase).to_radians().cos();
    mean + constituents.iter().map(part).sum::<f64>()
}

/// A stretch of time, in hours after the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub from: f64,
    pub to: f64,
}

/// Slack water of at least forty minutes while the height is between `least` and `most`.
///
/// Looks at one moment every five minutes; what is shorter than that is not seen.
pub fn swimming_windows(heights: &[f64], least: f64, most: f64) -> Vec<Window> {
    const STEP: f64 = 5.0 / 60.0;
    const SHORTEST: f64 = 40.0 / 60.0;
    let mut windows = Vec::new();
    let mut begun = None;
    for (at, pair) in heights.windows(2).enumerate() {
        let is_slack = (pair[1] - pair[0]).abs() < 0.03 && (least..most).contains(&pair[0]);
        let now = at as f64 * STEP;
        match (is_slack, begun) {
            (true, None) => begun = Some(now),
            (false, Some(from)) => {
                if now - from >= SHORTEST {
                    windows.push(Window { from, to: now });
                }
                begun = None;
            }
            _ => {}
        }
    }
    windows
}

/// A wind against the tide makes short, steep waves; above this many knots nobody goes in.
pub fn wind_forbids(knots: f64, against_tide: bool) -> bool {
    knots > if against_tide { 12.0 } else { 18.0 }
}
