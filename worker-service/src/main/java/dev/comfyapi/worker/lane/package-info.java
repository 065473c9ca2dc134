/// What to run and what to stop: registration, lane, heartbeat, and the ledger of what this worker
/// holds.
@NullMarked
package dev.comfyapi.worker.lane;

import org.jspecify.annotations.NullMarked;
