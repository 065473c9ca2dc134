/// Runs of the whole platform while things go wrong. Each prints its seed and a table, and ends
/// with a status other than 0 when a promise was broken.
///
/// [dev.comfyapi.faults.Platform] is the platform in processes of its own,
/// [dev.comfyapi.faults.Ledger] what its clients were told: kept apart from the platform, so that
/// it can be held against it.
@NullMarked
package dev.comfyapi.faults;

import org.jspecify.annotations.NullMarked;
